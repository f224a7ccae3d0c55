/**
 * Reads a terminal program. Its output proves that it is alive and doing something; its own sequences show whether it
 * takes a paste as one. For a known program (`adapter:`) words on its screen show its state. No transcript is guessed
 * from a screen.
 */
import type { Activity, EngineState, ObservedEvent, Observer } from '../runtime.ts';
import { adapterNamed } from './adapter.ts';
import { type Followed, follow, NOTHING_FOLLOWED } from './screen-marks.ts';

type State = EngineState & Followed & { spoke: boolean; adapter?: string };

const ACTIVITIES: Record<NonNullable<Followed['mark']>, Activity> = {
  ready: 'idle',
  busy: 'thinking',
  asks: 'waiting-for-operator',
};

const SHOWN = { ready: 'its prompt', busy: 'that it works', asks: 'a choice that it waits for' };

export const commandObserver: Observer = {
  initial: (session, before): EngineState => ({
    ...NOTHING_FOLLOWED,
    session,
    spoke: false,
    ...(before?.adapter === undefined ? {} : { adapter: before.adapter }),
  }),
  line(state, _source, text) {
    if (text === '') return { state, events: [] };
    // A state of an earlier version has followed nothing.
    const old = { ...NOTHING_FOLLOWED, ...state } as State;
    const next: State = { ...old, ...follow(old, text, adapterNamed(old.adapter)), spoke: true };
    return { state: next, events: eventsOf(old, next) };
  },
};

function eventsOf(old: State, next: State): ObservedEvent[] {
  const events: ObservedEvent[] = [];
  if (old.spoke !== true)
    events.push(
      { kind: 'ready' },
      { kind: 'activity', activity: 'unknown', evidence: 'the program prints to its terminal' },
    );
  if (next.mark !== null && next.mark !== old.mark)
    events.push({
      kind: 'activity',
      activity: ACTIVITIES[next.mark],
      evidence: `the screen of ${next.adapter} shows ${SHOWN[next.mark]}`,
    });
  // Messages may wait for it.
  else if (next.paste && !old.paste && events.length === 0) events.push({ kind: 'ready' });
  return events;
}
