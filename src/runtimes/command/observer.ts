/**
 * Reads a terminal program of which nothing is known. Its output proves that it is alive and doing something,
 * and nothing more: no transcript is guessed from what a screen shows.
 */
import type { EngineState, Observer } from '../runtime.ts';

export const commandObserver: Observer = {
  initial: (session): EngineState => ({ session, spoke: false }),
  line(state, _source, text) {
    if (text === '' || state.spoke === true) return { state, events: [] };
    return {
      state: { ...state, spoke: true },
      events: [
        { kind: 'ready' },
        { kind: 'activity', activity: 'unknown', evidence: 'the program prints to its terminal' },
      ],
    };
  },
};
