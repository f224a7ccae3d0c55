/** Everything of the loop is stopped for longer than its own time limits, as a pause does it, and goes on. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { descendants } from '../../../src/host/process/proc.ts';
import { afterAwake } from '../../../src/runtimes/builtin/loop/awake.ts';
import { type ModelServer, startModelServer } from '../../support/model-server/server.ts';
import { LoopDesk, LoopProcess } from './loop-process.ts';

let server: ModelServer;
let desk: LoopDesk;
let loop: LoopProcess;

beforeAll(async () => {
  server = await startModelServer();
});
afterAll(() => server.close());
beforeEach(() => {
  desk = new LoopDesk();
});
afterEach(async () => {
  await loop?.stop();
  desk.remove();
});

function signalAll(pid: number, signal: NodeJS.Signals): void {
  for (const one of [pid, ...descendants(pid).map((entry) => entry.pid)]) {
    try {
      process.kill(one, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

test('a command that was paused for longer than its time is not ended for that', async () => {
  const command = 'n=0; while [ $n -lt 10 ]; do sleep 0.1; n=$((n+1)); done; echo all of it';
  const input = JSON.stringify({ command, timeout_ms: 3_000 });
  loop = await LoopProcess.start(
    desk,
    desk.loopAgent({
      goal: `[[call run_command ${input}]] [[say {{result}}]]`,
      env: { ANTHROPIC_BASE_URL: server.url },
      auth: { ANTHROPIC_API_KEY: 'sk-ant-a-key' },
    }),
  );
  await loop.waitFor('activity', (event) => event.activity === 'tool');
  signalAll(loop.child.pid!, 'SIGSTOP');
  await sleep(4_000);
  signalAll(loop.child.pid!, 'SIGCONT');
  expect(await loop.turnEnd()).toMatchObject({ outcome: 'done', text: 'all of it' });
});

test('a limit comes when it should, and not at all when it is cancelled', async () => {
  const began = performance.now();
  let early = false;
  const cancel = afterAwake(600, () => {
    early = true;
  });
  await new Promise<void>((resolve) => {
    afterAwake(1_200, resolve);
    setTimeout(cancel, 300);
  });
  expect(performance.now() - began).toBeGreaterThanOrEqual(1_190);
  expect(early).toBe(false);
});
