/**
 * `node --import` this: the gate's own time-out is short, so that a test can wait for it. The host may run from its
 * sources or from dist/, and a host's clean environment does not tell which: both copies are set.
 */
import { existsSync } from 'node:fs';

for (const copy of ['../../dist/host/limits.js', '../../src/host/limits.ts']) {
  const url = new URL(copy, import.meta.url);
  if (!existsSync(url)) continue;
  const { limits } = (await import(url.href)) as { limits: { gate_wait_ms: number } };
  limits.gate_wait_ms = 20_000;
}
