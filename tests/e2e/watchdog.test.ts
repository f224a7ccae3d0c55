/** A turn of the real engine that does not move: reported, interrupted or started again, as the file says. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, LiveFleet } from '../support/live-fleet.ts';
import { saidIn } from '../support/model-server/server.ts';

let fleet: LiveFleet;
beforeAll(async () => {
  fleet = await LiveFleet.make({ agents: {} });
  await fleet.up();
}, 60_000);
afterAll(() => fleet.close(), 60_000);

/** Of each runtime with a model, an agent that needs nothing else. */
const engines = {
  'claude-code': () => ({ runtime: 'claude-code' }),
  builtin: () => ({
    runtime: 'builtin',
    model: 'anthropic:scripted',
    auth: 'ANTHROPIC_API_KEY',
    env: { ANTHROPIC_BASE_URL: fleet.model.url },
  }),
};

/** Makes this the fleet's only agent, which starts; the one before it ends. */
async function make(
  name: string,
  watchdog: unknown,
  goal: string,
  engine: keyof typeof engines = 'claude-code',
): Promise<void> {
  fleet.configure({ agents: { [name]: { ...engines[engine](), permissions: 'allow', watchdog, goal } } });
  await fleet.withHost((client) => client.call('apply'));
}

test('a model that never answers is reported, with what was seen, and not any more once it moves', async () => {
  await make('waits', { after: '5s' }, '[[hang model]] [[say at last]]', 'builtin');
  const { data, grade } = await fleet.event('run.stuck', ({ agent }) => agent === 'waits', 40_000);
  expect(grade).toBe('observed');
  expect(data).toMatchObject({ action: 'report', activity: 'thinking' });
  expect(data.evidence).toMatch(
    /^there was no progress for \d+ s at the model: no output, no tool begun or done, \d+ CPU ticks of the engine and \d+ of \d+ other processes$/,
  );
  expect((await fleet.agent('waits')).stuck?.what).toBe(data.evidence);
  fleet.model.release('model');
  await fleet.turns('waits', 1);
  await fleet.event('run.moves', ({ agent }) => agent === 'waits');
  expect((await fleet.agent('waits')).stuck).toBeNull();
  expect((await fleet.events({ agent: 'waits', topics: ['run.stuck'] })).length).toBe(1);
}, 120_000);

test('a tool that sleeps is interrupted, and the agent goes on another way', async () => {
  const sleeps = call('Bash', { command: 'timeout 300 tail -f /dev/null', description: 'sleeps' });
  await make('sleeper', { after: '5s', action: 'interrupt' }, `${sleeps} [[say NEVER]]`);
  fleet.model.teach('Your turn was interrupted, because there was no progress', '[[say another way]]');
  await fleet.event(
    'run.stuck',
    ({ agent, data }) => agent === 'sleeper' && data.activity === 'tool',
    40_000,
  );
  await fleet.event('message.assistant', ({ data }) => data.text === 'another way');
  const outcomes = (await fleet.events({ agent: 'sleeper', topics: ['turn.ended'] })).map(
    ({ data }) => data.outcome,
  );
  expect(outcomes[0]).toBe('interrupted');
}, 120_000);

test('started again by policy, the conversation goes on and knows why', async () => {
  await make('restarted', { after: '5s', action: 'restart' }, '[[hang again]]', 'builtin');
  const { run } = await fleet.until('restarted', 'running', (view) => view.state === 'running');
  fleet.model.teach('You were started again, because there was no progress', '[[say here again]]');
  await fleet.event('message.assistant', ({ data }) => data.text === 'here again', 50_000);
  expect((await fleet.agent('restarted')).run).not.toBe(run);
  expect(saidIn(fleet.model.requests.at(-1)!)).toContain('[[hang again]]');
}, 120_000);

test('what works, waits or is held is not stuck, however silent', async () => {
  // A little at a time: what counts is that it computes at all.
  const command =
    'i=0; while [ $i -lt 30 ]; do n=0; while [ $n -lt 4000 ]; do n=$((n+1)); done; i=$((i+1)); sleep 0.3; done; echo computed';
  const goal = `${call('run_command', { command })} [[say done]]`;
  await make('worker', 'report', goal, 'builtin');
  // A shorter patience counts at once.
  const worker = { ...engines.builtin(), permissions: 'allow', watchdog: { after: '3s' }, goal };
  fleet.configure({ agents: { worker } });
  await fleet.turns('worker', 1);
  // Idle, then held: both for longer than its patience.
  await new Promise((resolve) => setTimeout(resolve, 4_000));
  await fleet.inject('worker', `[[hang first]] ${call('run_command', { command: 'true' })}`);
  await fleet.act('hold', 'worker');
  fleet.model.release('first');
  await fleet.until('worker', 'held', (view) => view.activity === 'held');
  await new Promise((resolve) => setTimeout(resolve, 6_000));
  expect(await fleet.events({ agent: 'worker', topics: ['run.stuck'] })).toEqual([]);
}, 120_000);

test.each(['claude-code', 'builtin'] as const)(
  'a model that writes slowly is slow, not stuck: %s',
  async (engine) => {
    const words = Array.from({ length: 24 }, (_, index) => `word${index}`).join(' ');
    const name = `slow-${engine}`;
    await make(name, { after: '3s', action: 'restart' }, `[[slow 500 ${words}]]`, engine);
    const { run } = await fleet.turns(name, 1);
    expect(run).toBe((await fleet.event('run.starting', ({ agent }) => agent === name)).run);
    expect(await fleet.events({ agent: name, topics: ['run.stuck'] })).toEqual([]);
  },
  60_000,
);
