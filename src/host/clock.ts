/**
 * Time as a dependency: everything that waits, backs off or expires takes a Clock, so that tests run on a
 * virtual one and never sleep.
 */
export interface Clock {
  /** Wall clock, milliseconds since the epoch. */
  now(): number;
  /**
   * Milliseconds since some moment, for how long something took or has been silent: the wall clock may be set
   * clock meanwhile, forward or back. Means nothing to another process.
   */
  elapsed(): number;
  /** Calls back once after `delay_ms`; the returned function cancels. Never keeps the process alive by itself. */
  after(delay_ms: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after(delay_ms, callback) {
    const timer = setTimeout(callback, delay_ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

export function sleep(clock: Clock, delay_ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delay_ms, resolve);
  });
}
