/** Reads what the driver prints: events as they are, and where a terminal is let in. */
import { lineObserver } from '../event-lines.ts';
import type { Observer } from '../runtime.ts';

const DOOR = /^\{"kind":"door","port":(\d{1,5})\}$/;

export const openclawObserver: Observer = {
  initial: lineObserver.initial,
  line(state, source, text) {
    const port = source === 'out' ? DOOR.exec(text)?.[1] : undefined;
    if (port === undefined) return lineObserver.line(state, source, text);
    return { state: { ...state, door: Number(port) }, events: [] };
  },
};
