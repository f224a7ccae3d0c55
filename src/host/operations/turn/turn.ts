/**
 * The turn of a run's engine: what it says of it, how the newest one ended, and which senders the conversation
 * follows. The one place that writes the turn record. Functions on the record: the caller saves it.
 */
import type { Frame } from '../../../runtimes/runtime.ts';
import type { Principal } from '../../api.ts';
import { limits } from '../../limits.ts';
import type { RecallAsked, Subagent, TurnRecord } from '../../store/run-parts.ts';

const SENDERS_MAX = 1_000;
/** Instead of those that cannot be named any more: a principal that may do nothing. */
const OTHERS: Principal = 'agent:(more than can be named)';

/** The engine's own word. */
export function says(turn: TurnRecord, said: NonNullable<TurnRecord['says']>): void {
  turn.says = said;
}

/** A new process has said nothing so far. */
export function saysNothing(turn: TurnRecord): void {
  turn.says = null;
  delete turn.taken;
  delete turn.begun;
  delete turn.recall;
}

/**
 * Text stays in a conversation for as long as that goes on: nothing but the operator's word, or a new conversation, ends
 * that a sender is followed.
 * @returns false where the conversation follows this sender already
 */
export function goByWordsOf(turn: TurnRecord, sender: Principal): boolean {
  const { senders } = turn;
  if (senders.includes(sender) || senders.includes(OTHERS)) return false;
  turn.senders = [...senders, senders.length < SENDERS_MAX ? sender : OTHERS];
  return true;
}

/** The operator trusts what these have said so far. @returns those that were followed until now */
export function trustWordsOf(turn: TurnRecord, senders: readonly Principal[]): Principal[] {
  const trusted = turn.senders.filter((sender) => senders.includes(sender));
  turn.senders = turn.senders.filter((sender) => !senders.includes(sender));
  return trusted;
}

/** The host breaks the turn off, to have it gone on with. */
export function breakOff(turn: TurnRecord): void {
  turn.goesOn = true;
  turn.ended = null;
}

/** It is being broken off, and has not ended yet. */
export const isBreakingOff = ({ goesOn, ended }: TurnRecord): boolean => goesOn && ended === null;

/** As the engine says, and its tools may have forged that: the senders that the conversation follows stay. */
export function turnEnded(turn: TurnRecord, outcome: NonNullable<TurnRecord['ended']>): void {
  turn.ended = outcome;
}

/** @returns false where it is known already, or one of too many to be named */
export function subagentBegan(turn: TurnRecord, subagent: Subagent): boolean {
  const { subagents = [] } = turn;
  const isKnown = subagents.some(({ id }) => id === subagent.id);
  if (isKnown || subagents.length >= limits.subagents_max) return false;
  turn.subagents = [...subagents, subagent];
  return true;
}

/** What the engine says of it while it is at work. */
export function subagentWorks(turn: TurnRecord, id: string, tokens: number | undefined): void {
  if (tokens === undefined) return;
  turn.subagents = turn.subagents?.map((one) => (one.id === id ? { ...one, tokens } : one)) ?? [];
}

/** @returns what was known of it; null: nothing */
export function subagentEnded(turn: TurnRecord, id: string): Subagent | null {
  const { subagents = [] } = turn;
  const known = subagents.find((one) => one.id === id) ?? null;
  turn.subagents = subagents.filter((one) => one !== known);
  return known;
}

/** The host has given the engine a message: until its own turn has ended, it may still be unread. */
export function messageDelivered(turn: TurnRecord, message: { inject: string; untold: boolean }): void {
  turn.goesOn = false;
  turn.ended = null;
  if (!message.untold || turn.untold === null) return;
  turn.toldWith = { inject: message.inject, text: turn.untold };
  turn.untold = null;
}

/** The engine works on a message and has shown it to no model yet: an interrupt now would lose it. */
export function messageTaken(turn: TurnRecord, inject: string, at_ms: number): void {
  turn.taken = { ...turn.taken, [inject]: at_ms };
}

/** The same of what its process is opened with, from before it is written. */
export function opensWith(turn: TurnRecord, frames: readonly Frame[], at_ms: number): void {
  for (const { id, receipt } of frames) if (receipt) messageTaken(turn, id, at_ms);
}

/** A model has it, or the engine has it no more. */
export function messageLeft(turn: TurnRecord, inject: string, how: 'read' | 'dropped'): void {
  const { [inject]: _left, ...taken } = turn.taken ?? {};
  turn.taken = taken;
  if (how === 'read') turn.begun = true;
  if (turn.toldWith?.inject !== inject) return;
  if (how === 'dropped') turn.untold ??= turn.toldWith.text;
  delete turn.toldWith;
}

/** The engine waits for what is remembered, until it is answered. */
export function recallAsked(turn: TurnRecord, { requestId, at, words }: RecallAsked): void {
  turn.recall = { requestId, at, ...(words === undefined ? {} : { words }) };
}

export const recallFrameId = (requestId: string): string => `recall:${requestId}`;

/** The shim has written this frame. */
export function recallAnswered(turn: TurnRecord, frame: string): void {
  if (turn.recall !== undefined && frame === recallFrameId(turn.recall.requestId)) delete turn.recall;
}

/** When the engine took up the newest message that no model has yet; null: there is none. */
export function takenSince({ taken = {} }: TurnRecord): number | null {
  const times = Object.values(taken);
  return times.length === 0 ? null : Math.max(...times);
}
