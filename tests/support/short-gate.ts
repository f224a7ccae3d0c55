/** `node --import` this: the gate's own time-out is short, so that a test can wait for it. */
const { limits } = (await import(
  process.env.AETHER_TEST_DIST === '1' ? '../../dist/host/limits.js' : '../../src/host/limits.ts'
)) as { limits: { gate_wait_ms: number } };
limits.gate_wait_ms = 20_000;
