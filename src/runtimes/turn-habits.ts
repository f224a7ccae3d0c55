/**
 * How an engine that speaks takes its turns, as its runtime declares it: where engines differ, the host goes by this, `plan`
 * says it, and the conformance suite asks for exactly this.
 */
import type { Evidence } from '../host/shapes.ts';

/**
 * enforced: it cannot be otherwise while the host is asked; observed: the conformance suite has seen it of this program;
 * claimed: the program or its makers say so.
 */
export interface Declared<T extends string> {
  is: T;
  grade: Evidence['grade'];
}

export interface TurnHabits {
  /**
   * What happens to a message of priority `next` that comes while a turn runs. folded: it is read after the running tool;
   * queued: it is a turn of its own after this one; cancels: it ends the turn that runs, so the host keeps it until then.
   */
  second: Declared<'folded' | 'queued' | 'cancels'>;
  /** Which of its tool calls ask first: with a gate everything, otherwise what the engine itself decides. */
  asks: Declared<'everything' | 'some' | 'nothing'>;
  /**
   * What happens to a conversation that a second process opens. locked: that process is refused; shared: both go on in the
   * same one, which a terminal beside the engine needs; lost: turns of one are lost to the other.
   */
  conversation: Declared<'locked' | 'shared' | 'lost'>;
}

export type TurnOutcome = 'done' | 'failed' | 'interrupted';

/** What an engine tells of a subagent. */
export interface SubagentTold {
  id: string;
  phase: 'began' | 'working' | 'ended';
  /** What it is called. */
  label?: string;
  /** What it is to do. */
  task?: string;
  /** What its conversation has used so far, as the engine counts them. */
  tokens?: number;
  outcome?: TurnOutcome;
}
