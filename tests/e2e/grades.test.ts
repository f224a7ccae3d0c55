/** How well things are known of agents in a sandbox, in a weaker one, and beside one without: in `ps`, in views, in events. */
import fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { call, LiveFleet } from '../support/live-fleet.ts';

let fleet: LiveFleet;
afterEach(() => fleet?.close());

const command = (sandbox: string, more: object = {}) => ({
  ...{ runtime: 'command', command: ['sh', '-c', 'echo up; cat'], sandbox },
  ...more,
});

/** An engine behind a wrapper, of which no copy can be made that its tools cannot read. */
function installWrapper(): void {
  const program = join(fleet.root, 'claude');
  const wrapper = '#!/bin/sh\ncase "$1" in --version) echo 2.1.332;; *) exec cat;; esac\n';
  fs.writeFileSync(program, wrapper, { mode: 0o755 });
  fleet.env.AETHER_CLAUDE_BINARY = program;
}

test('what only a sandbox enforces is observed without one, and an engine that its tools reach only claims', async () => {
  fleet = await LiveFleet.make({ agents: {} });
  installWrapper();
  const mail = { to: 'operator', subject: 'a', body: 'b' };
  fleet.configure({
    agents: {
      boxed: command('bubblewrap'),
      open: command('none', { autostart: false }),
      wrapped: { runtime: 'claude-code', sandbox: 'bubblewrap', autostart: false },
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
  await fleet.act('pause', 'boxed');
  expect([await paused(), (await fleet.agent('boxed')).gaps]).toEqual(['enforced', []]);

  await fleet.act('start', 'open');
  await fleet.until('open', 'running', ({ state }) => state === 'running');
  expect(await paused()).toBe('observed');
  expect((await fleet.agent('open')).gaps).toEqual([
    'without a sandbox its tools have the rights of your user',
  ]);
  await fleet.ok('inject', 'traced', `${call('aether_mail_send', mail)} [[say sent]]`, '--wait', 'acted');
  expect(await grades('mail.sent')).toEqual(['enforced', 'observed']);
  const ps = await fleet.ok('ps');
  expect(ps).toContain('observed by shim');
  expect(ps).toContain('Weaker evidence about boxed, traced: open, without a sandbox, can act as your user.');

  await fleet.act('stop', 'open');
  expect([await paused(), (await fleet.agent('boxed')).gaps]).toEqual(['enforced', []]);

  const why = / is a script for \/bin\/sh, which may start anything/;
  const start = await fleet.withHost((host) => host.call('start', { agent: 'wrapped' }));
  expect(start.gaps).toEqual([expect.stringMatching(why)]);
  expect(await fleet.ok('ps')).toMatch(why);
  expect(await fleet.ok('plan')).toMatch(why);
  expect((await fleet.cli(['doctor'])).stdout).toMatch(why);
}, 60_000);
