/** How well things are known of agents in a sandbox, in a weaker one, and beside one without: in `ps`, in views, in events. */
import { afterEach, expect, test } from 'vitest';
import { call, LiveFleet } from '../support/live-fleet.ts';

let fleet: LiveFleet;
afterEach(() => fleet?.close());

const command = (sandbox: string, more: object = {}) => ({
  ...{ runtime: 'command', command: ['sh', '-c', 'echo up; cat'], sandbox },
  ...more,
});

test('what only a sandbox enforces is observed without one, and an engine that its tools reach only claims', async () => {
  fleet = await LiveFleet.make({ agents: {} });
  const mail = { to: 'operator', subject: 'a', body: 'b' };
  fleet.configure({
    agents: {
      boxed: command('bubblewrap'),
      open: command('none', { autostart: false }),
      traced: {
        ...{ runtime: 'builtin', model: 'anthropic:x', auth: 'ANTHROPIC_API_KEY', permissions: 'allow' },
        env: { ANTHROPIC_BASE_URL: `${fleet.model.url}/v1` },
        sandbox: { kind: 'bubblewrap', debug: true },
        goal: `${call('aether_mail_send', mail)} [[say sent]]`,
      },
    },
  });
  await fleet.up();
  await fleet.turns('traced', 1);
  const grades = async (topic: string) =>
    (await fleet.events({ agent: 'traced', topics: [topic] })).map(({ grade }) => grade);
  // Its tools can speak for its engine, and not as another agent.
  expect([await grades('turn.ended'), await grades('mail.sent')]).toEqual([['claimed'], ['enforced']]);
  expect(await fleet.agent('traced')).toMatchObject({
    activityEvidence: { source: 'engine', grade: 'claimed' },
    gaps: ['`debug: true` lets its tools trace its engine'],
  });
  const paused = async () => (await fleet.agent('boxed')).activityEvidence?.grade;
  await fleet.ok('pause', 'boxed');
  expect([await paused(), (await fleet.agent('boxed')).gaps]).toEqual(['enforced', []]);

  await fleet.ok('start', 'open');
  await fleet.until('open', 'running', ({ state }) => state === 'running');
  expect(await paused()).toBe('observed');
  expect((await fleet.agent('open')).gaps).toEqual([
    'without a sandbox its tools have the rights of your user',
  ]);
  await fleet.ok('inject', 'traced', `${call('aether_mail_send', mail)} [[say sent]]`, '--wait', 'acted');
  expect(await grades('mail.sent')).toEqual(['enforced', 'observed']);
  const ps = await fleet.ok('ps');
  expect(ps).toContain('observed by shim');
  expect(ps).toContain('Known less well, of boxed, traced: open, without a sandbox, can act as your user.');

  await fleet.ok('stop', 'open');
  expect([await paused(), (await fleet.agent('boxed')).gaps]).toEqual(['enforced', []]);
}, 60_000);
