/** What the page knows. Written by link.ts and actions.ts, read by everything that draws. */
import { computed, signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import type { AgentView, ApprovalView, HostInfo, Mail, WireError } from '../../console-protocol.ts';

export type Connection =
  /** First attempt; nothing is known yet. */
  | { phase: 'connecting' }
  | { phase: 'live' }
  /** What is shown is from `since_ms`. */
  | { phase: 'lost'; since_ms: number }
  | { phase: 'signed-out'; error: WireError }
  /** The server speaks another protocol than this page. */
  | { phase: 'outdated' };

export const connection = signal<Connection>({ phase: 'connecting' });
export const live = computed(() => connection.value.phase === 'live');

export const agents = signal<ReadonlyMap<string, AgentView>>(new Map());
export const approvals = signal<readonly ApprovalView[]>([]);
/** Unread mail to the operator. */
export const mail = signal<Mail>({ messages: [], unread: 0 });
/** Grows when memories have changed, or may have: what shows some reads them again. */
export const memoryChanges = signal(0);
export const info = signal<HostInfo | null>(null);
/** How this session is named as the holder of a lease. */
export const you = signal('');

/** Answered since the page was opened, newest first. */
export const answered = signal<readonly { approval: ApprovalView; how: string }[]>([]);
export const ANSWERED_MAX = 5;

/** Actions under way, as `verb agent`. */
export const busy = signal<ReadonlySet<string>>(new Set());

export interface Toast {
  id: number;
  error: WireError | null;
  text: string;
  /** Nothing was done. */
  note?: boolean;
}
export const toasts = signal<readonly Toast[]>([]);

/** Where Fleet's filter stands. */
export const filter = signal('');

/** Inbox sheet on middle widths; a column of its own on wide ones. */
export const inboxOpen = signal(false);

export type Dialog =
  | { kind: 'confirm'; verb: 'stop' | 'kill' | 'restart'; agent: string }
  | { kind: 'takeover'; agent: string }
  | { kind: 'handback'; agent: string }
  /** Of a part that is loaded later, which draws it itself. */
  | { kind: 'own'; draw: () => ComponentChildren }
  | { kind: 'palette' }
  | { kind: 'help' };
export const dialog = signal<Dialog | null>(null);

/** The directory of the configuration: how a fleet is called. */
export const fleetName = computed(() => {
  const parts = info.value?.configFile?.split('/') ?? [];
  return parts.at(-2) ?? '';
});

/** True when this session holds the agent, or is about to. */
export function isMine(agent: AgentView): boolean {
  return agent.lease !== null && agent.lease.holder === you.value;
}

/** Its holder is there already: what waits for an operator then waits for the holder. */
export function needsSomeone(agent: AgentView): boolean {
  const waits = agent.activity === 'waiting-for-operator' && agent.lease === null;
  return agent.openApprovals > 0 || waits || agent.state === 'failed' || agent.stuck !== null;
}

export const needsYou = computed(
  () =>
    approvals.value.length +
    [...agents.value.values()].filter(
      (agent) => (agent.state === 'failed' || agent.stuck !== null) && agent.openApprovals === 0,
    ).length,
);
