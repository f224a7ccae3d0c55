/** What a transcript is made of. An item is replaced, never changed, so that only what changed is drawn again. */
import type { Sentence } from '../../../host/events/sentences.ts';
import type { ApprovalAnswer, EventView, WireError } from '../../console-protocol.ts';

export interface Base {
  /** Unique in the transcript, and the same however often it changes. */
  key: string;
  /** Of the event that began it. */
  cursor: string;
  at_ms: number;
  /** How it is known. */
  grade: EventView['grade'];
  principal: string;
  /** Of the event that began it. */
  seq: number;
  /** What it is called where it can be said to be good or bad; null: it cannot. */
  act: string | null;
  /** What was said of it last. `kept`: the memory that says it. */
  judged: { thumb: 'up' | 'down'; by: string; kept: string | null } | null;
}

export interface Receipt {
  inject: string;
  priority: string;
  stage: string;
  steps: { stage: string; at_ms: number; evidence: string }[];
}

export interface ToolResult {
  text: string;
  isError: boolean;
  at_ms: number;
}

/** What an aether tool did, as the host recorded it. */
export type Deed =
  | { kind: 'mail'; from: string; to: string; subject: string; body: string }
  | {
      kind: 'memory';
      id: string | null;
      text: string;
      key: string | null;
      tags: string[];
      scope: string;
      forgotten: boolean;
    }
  | { kind: 'report'; status: string; summary: string; details: string | null };

export type Item = Base &
  (
    | { kind: 'said'; text: string; thinking: boolean }
    /** `typed`: in the terminal, by its holder. */
    | { kind: 'told'; text: string; typed: boolean; receipt: Receipt | null }
    | { kind: 'tool'; tool: string; input: unknown; result: ToolResult | null; deed: Deed | null }
    | { kind: 'deed'; deed: Deed }
    | {
        kind: 'approval';
        approval: string;
        ask: 'permission' | 'question';
        title: string;
        detail: Record<string, unknown>;
        state: 'open' | 'answered' | 'withdrawn';
        answer: ApprovalAnswer | null;
        by: string | null;
      }
    | {
        kind: 'rule';
        tone: Exclude<Sentence['tone'], 'info' | 'warn' | 'error'>;
        text: string;
        note: string | null;
        /** Files that changed while it was taken over. */
        changed: string[];
        problem: WireError | null;
      }
    | { kind: 'note'; level: 'info' | 'warn' | 'error'; text: string }
    | { kind: 'other'; topic: string; data: unknown }
  );

export type ItemOf<K extends Item['kind']> = Extract<Item, { kind: K }>;
