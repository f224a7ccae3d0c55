/**
 * A time limit that does not run while this process is paused. A pause stops the whole agent; with a limit on the
 * machine's clock, calls that had no chance to end would fail at the moment of the resume.
 */

/** Looked at so often: of a longer gap no more than this counts. */
const LOOK_MS = 500;

/** @returns cancels it */
export function afterAwake(limit_ms: number, callback: () => void): () => void {
  let left_ms = limit_ms;
  let seen = performance.now();
  let timer: NodeJS.Timeout;
  const look = () => {
    const now = performance.now();
    // Twice: a busy machine may be late.
    left_ms -= Math.min(now - seen, 2 * LOOK_MS);
    seen = now;
    if (left_ms <= 0) callback();
    else wait();
  };
  const wait = () => {
    timer = setTimeout(look, Math.min(left_ms, LOOK_MS));
  };
  wait();
  return () => clearTimeout(timer);
}
