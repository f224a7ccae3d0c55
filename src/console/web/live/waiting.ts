/** Messages that are not known to be read yet, however far up in the conversation they were sent. Pure. */
import type { EventOf, EventView, InjectionView, TopicsLike } from '../../console-protocol.ts';
import { text } from './read.ts';
import { stageOf } from './receipt.ts';

export interface Waiting {
  inject: string;
  text: string;
  since_ms: number;
  stage: string;
}

const UNREAD = ['queued', 'delivered'];

/** @param unread as the server lists them */
export function waitingOf(unread: readonly InjectionView[]): Map<string, Waiting> {
  return new Map(
    unread.map(({ id, text: words, state, steps }) => [
      id,
      { inject: id, text: words, since_ms: steps[0]?.at_ms ?? 0, stage: state },
    ]),
  );
}

const isReceipt = (event: EventView): event is EventOf<TopicsLike<'inject.'>> =>
  event.topic.startsWith('inject.');

/** @returns `before` itself when none of the events is about a message */
export function waitingAfter(
  before: ReadonlyMap<string, Waiting>,
  events: readonly EventView[],
): ReadonlyMap<string, Waiting> {
  const told = events.filter(isReceipt);
  if (told.length === 0) return before;
  const after = new Map(before);
  for (const event of told) {
    const { inject } = event.data;
    const stage = stageOf(event.topic);
    const known = after.get(inject);
    if (!UNREAD.includes(stage)) after.delete(inject);
    else if (known) after.set(inject, { ...known, stage });
    else if (event.topic === 'inject.queued')
      after.set(inject, { inject, text: text(event.data.text), since_ms: event.at_ms, stage });
  }
  return after;
}
