/**
 * The turn of a run's engine: what it says of it, how the newest one ended, and which senders the conversation
 * follows. The one place that writes the turn record. Functions on the record: the caller saves it.
 */
import type { Principal } from '../../api.ts';
import type { TurnRecord } from '../../store/run-parts.ts';

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

/** The host has given the engine a message: until its own turn has ended, it may still be unread. */
export function messageDelivered(turn: TurnRecord, message: { untold: boolean }): void {
  turn.goesOn = false;
  turn.ended = null;
  if (message.untold) turn.untold = null;
}
