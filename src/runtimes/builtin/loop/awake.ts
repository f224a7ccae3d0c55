/**
 * A time limit that stands still while this process does. A pause of an agent stops all of it; what ran out
 * meanwhile by any clock of the machine would end, at the moment of the resume, what had no chance to end by itself.
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
