/**
 * The turn of a run's engine: what it says of it, how the newest one ended, and by whose words the conversation goes.
 * The one place that writes the turn record. Functions on the record: whoever calls them saves it.
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

/** @returns false where the conversation goes by these words already */
export function goByWordsOf(turn: TurnRecord, sender: Principal): boolean {
  const { senders } = turn;
  if (senders.includes(sender) || senders.includes(OTHERS)) return false;
  turn.senders = [...senders, senders.length < SENDERS_MAX ? sender : OTHERS];
  return true;
}

/** The host breaks the turn off, to have it gone on with. */
export function breakOff(turn: TurnRecord): void {
  turn.goesOn = true;
}

export function turnEnded(turn: TurnRecord, outcome: NonNullable<TurnRecord['ended']>): void {
  turn.ended = outcome;
  if (!turn.goesOn) turn.senders = [];
  turn.goesOn = false;
}

/** A message is on its way to the engine: until its own turn has ended, it may still be unread. */
export function messageDelivered(turn: TurnRecord, told: { untold: boolean }): void {
  turn.ended = null;
  if (told.untold) turn.untold = null;
}
