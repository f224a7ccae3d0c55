/** Whether a program on a terminal has processed what was typed: it has drawn, and rests. */
import type { Clock } from '../../clock.ts';
import { onFloor } from '../../runs/floor.ts';
import type { Run } from '../../runs/run.ts';

/** Of rest after it drew, so that the next key is read by itself. */
const REST_MS = 200;
/** One that draws nothing, as at a password, and one that never rests. */
const SILENT_MS_MAX = 1_500;
const DRAWING_MS_MAX = 4_000;

/** The journal has grown: it is read by then. */
const READ_MS = 20;

/**
 * @param since.heard_ms when it had printed last, before the text was typed
 * @param since.rest_ms of rest after it drew
 */
export function hasDrawn(
  run: Run,
  clock: Clock,
  { heard_ms, rest_ms = REST_MS }: { heard_ms: number | null; rest_ms?: number | undefined },
): Promise<void> {
  return new Promise((resolve) => {
    let last_ms = heard_ms;
    let looking = false;
    const finish = () => {
      for (const end of ends) end();
      cancelRest();
      resolve();
    };
    const look = () => {
      looking = false;
      const now_ms = onFloor(run.record.floor).heard_ms;
      if (now_ms === last_ms) return;
      last_ms = now_ms;
      cancelRest();
      cancelRest = clock.after(rest_ms, finish);
    };
    let cancelRest = clock.after(SILENT_MS_MAX, finish);
    const ends = [
      clock.after(DRAWING_MS_MAX, finish),
      run.onGrown(() => {
        if (!looking) clock.after(READ_MS, look);
        looking = true;
      }),
    ];
  });
}
