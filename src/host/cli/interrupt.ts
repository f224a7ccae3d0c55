/** Ctrl-C in long commands: a handler replaces the default, which ends the process at once, until it is restored. */

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** @param handler gets the number of the press, from 1. @returns restore. */
export function onInterrupt(handler: (count: number, signal: NodeJS.Signals) => void): () => void {
  let count = 0;
  const listener = (signal: NodeJS.Signals) => {
    count += 1;
    handler(count, signal);
  };
  for (const signal of SIGNALS) process.on(signal, listener);
  return () => {
    for (const signal of SIGNALS) process.off(signal, listener);
  };
}
