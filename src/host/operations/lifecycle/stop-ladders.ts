/** How long each step of ending a run may take before the next one is tried. */
import { onFloor } from '../../runs/floor.ts';
import type { Run } from '../../runs/run.ts';
import type { StopLadder } from '../../shim/shim-protocol.ts';

/** Close stdin, SIGTERM, SIGKILL until nothing is left. */
const STOP: Record<'pipes' | 'pty', StopLadder> = {
  pipes: { close_stdin_ms: 1_500, term_ms: 4_000, kill_ms: 5_000 },
  pty: { term_ms: 4_000, kill_ms: 5_000 },
};
export const KILL: StopLadder = { term_ms: 0, kill_ms: 5_000 };

export const stopLadder = (run: Run): StopLadder => STOP[onFloor(run.record.floor).io];
