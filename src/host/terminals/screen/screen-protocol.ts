/** What the host and the thread with the screens of its terminals say to each other. */
import type { TerminalLook } from '../../api.ts';
import type { TerminalModes } from './emulator.ts';

export interface TerminalSource {
  /** Directory of its run's journal. The screen is kept there too: the run's own processes do not see it. */
  journal: string;
  process: number;
  /** Offset of the journal at which its output begins. */
  from: number;
  /** Its size there. */
  cols: number;
  rows: number;
  /** Where to begin, and in which size, when there is neither a checkpoint nor time for all since `from`. */
  late: { from: number; cols: number; rows: number };
}

export interface ScreenSnapshot {
  process: number;
  /** Of the journal: what comes after it is not in it. */
  offset: number;
  cols: number;
  rows: number;
  /** Makes the screen again on a terminal of this size that was just reset. */
  data: Uint8Array;
}

export type ToScreens =
  | {
      type: 'open';
      terminal: string;
      source: TerminalSource;
      to: number;
      /** What is there already is passed over. */
      fresh: boolean;
      scrollback_lines_max: number;
    }
  | { type: 'grown'; terminal: string; to: number }
  /** Of the window that decides its size. */
  | { type: 'look'; terminal: string; look: TerminalLook }
  | { type: 'close'; terminal: string }
  /** Answered when the journal is processed up to `to`, or after a moment. */
  | { type: 'ask'; id: number; terminal: string; what: 'snapshot' | 'modes'; to: number };

export type FromScreens =
  | { type: 'answered'; id: number; value: ScreenSnapshot | TerminalModes | null }
  /** To be written to the process. `frame` is the same for each reader of the query. */
  | { type: 'answer'; terminal: string; frame: string; text: string }
  /** The journal is read up to here. */
  | { type: 'read'; terminal: string; offset: number }
  | { type: 'failed'; terminal: string; why: string };
