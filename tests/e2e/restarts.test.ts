/** Programs that end by themselves: one that worked is back at once, and exit 0 is a failure nowhere. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LiveFleet } from '../support/live-fleet.ts';

const STABLE_MS = 1_000;

let fleet: LiveFleet;
beforeAll(async () => {
  fleet = await LiveFleet.make({
    agents: {
      steady: {
        runtime: 'command',
        command: ['sleep', '1000'],
        restart: { policy: 'on-failure', attempts: 1, stable_ms: STABLE_MS },
      },
      finishes: { runtime: 'command', command: ['true'], restart: 'always' },
    },
  });
  await fleet.up();
}, 60_000);
afterAll(() => fleet.close());

test('one that was stable is started again without a wait, however often it is killed', async () => {
  for (let deaths = 1; deaths <= 3; deaths += 1) {
    const { pid, run } = await fleet.until(
      'steady',
      'stable',
      ({ state, since_ms }) => state === 'running' && Date.now() - since_ms > STABLE_MS,
    );
    process.kill(pid!, 'SIGKILL');
    await fleet.until('steady', 'back', (view) => view.state === 'running' && view.run !== run);
    const [exited] = (await fleet.events({ agent: 'steady', topics: ['run.exited'] })).slice(-1);
    const [starting] = (await fleet.events({ agent: 'steady', topics: ['run.starting'] })).slice(-1);
    // The shortest wait of one that is not stable is 500 ms.
    expect(starting!.at_ms - exited!.at_ms).toBeLessThan(400);
    expect(starting!.data).toMatchObject({ automatic: true, after: { failed: true, short: 0 } });
  }
  expect(await fleet.agent('steady')).toMatchObject({ problem: null, restarts: 3 });
}, 60_000);

test('exit 0 under `always` waits longer each time, and is called no failure wherever it is shown', async () => {
  const view = await fleet.until(
    'finishes',
    'waiting for its fourth restart',
    ({ state, restarts, requested }) => state === 'exited' && restarts >= 3 && requested !== null,
  );
  expect(view.problem).toBeNull();
  expect(view.requestedEvidence!.what).toMatch(
    /^it ended with exit 0 after \d+ m?s, which is no failure, \d times in a row$/,
  );
  const { stdout } = await fleet.cli(['ps'], { env: { COLUMNS: '300' } });
  expect(stdout).toMatch(/finishes .*exited \(restart in \d+ s\).*exit 0 after .* no failure/);
  expect(await fleet.ok('logs')).toMatch(/finishes ● started again by itself \(exit 0 is no failure/);
  const { stderr } = await fleet.cli(['logs', 'finishes']);
  expect(stderr).toMatch(/does not run \(restart in \d+ s: it ended with exit 0 .* no failure/);
  expect(await fleet.events({ agent: 'finishes', topics: ['agent.failed'] })).toEqual([]);
}, 60_000);
