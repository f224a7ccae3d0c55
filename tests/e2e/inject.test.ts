/** Messages to a working agent: how far each has come is proven, and none is lost, doubled or overtaken. */
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { InjectionView } from '../../src/host/api.ts';
import type { AetherError } from '../../src/host/errors.ts';
import { call, LiveFleet } from '../support/live-fleet.ts';
import { resultsIn, saidIn } from '../support/model-server/server.ts';

let fleet: LiveFleet;

const stages = (receipt: InjectionView) => receipt.steps.map(({ stage }) => stage);

describe('agents of one fleet', () => {
  beforeAll(async () => {
    fleet = await LiveFleet.make({
      agents: {
        worker: { runtime: 'claude-code', permissions: { allow: ['Bash'] } },
        reader: {
          runtime: 'command',
          command: ['sh', '-c', 'while read -r line; do echo "heard $line"; done'],
        },
      },
    });
    await fleet.up();
  }, 60_000);
  afterAll(() => fleet.close(), 60_000);

  test('inject --wait acted, to an idle and to a busy claude', async () => {
    const tool = (command: string) => call('Bash', { command, description: 'slow' });
    await fleet.idle('worker');

    const idle = await fleet.json<InjectionView>(
      'inject',
      'worker',
      `First. ${tool('sleep 2; echo slept')} [[say first done]]`,
      '--wait',
      'seen',
    );
    expect(stages(idle)).toEqual(['queued', 'delivered', 'seen']);
    await fleet.until('worker', 'in its tool', (view) => view.activity === 'tool');

    // Read right after the tool's result, in the same turn.
    const busy = await fleet.json<InjectionView>(
      'inject',
      'worker',
      'By the way: second.',
      '--wait',
      'acted',
    );
    expect(stages(busy)).toEqual(['queued', 'delivered', 'seen', 'acted']);
    const folded = fleet.model.requests.find((request) => saidIn(request).includes('By the way: second.'))!;
    expect(resultsIn(folded)).toEqual([expect.stringContaining('slept')]);
    await fleet.event('inject.acted', ({ data }) => data.inject === idle.id);
    await fleet.idle('worker');

    // `now` does not wait for the tool: it ends it.
    await fleet.ok(
      'inject',
      'worker',
      `Third. ${tool('timeout 60 tail -f /dev/null')} [[say third done]]`,
      '--wait',
      'seen',
    );
    await fleet.until('worker', 'in its tool', (view) => view.activity === 'tool');
    const began = Date.now();
    const now = await fleet.json<InjectionView>(
      'inject',
      'worker',
      'Stop that. [[say stopped]]',
      '--priority',
      'now',
      '--wait',
      'acted',
    );
    expect(now.state).toBe('acted');
    expect(Date.now() - began).toBeLessThan(30_000);
    await fleet.event('message.assistant', ({ data }) => data.text === 'stopped');

    // Nobody has to be running: it waits, and is read first thing. Sent again under its id, it is the same one.
    await fleet.act('stop', 'worker');
    const morning = ['inject', 'worker', 'Good morning. [[say good morning]]', '--id', randomUUID()];
    const queued = await fleet.json<InjectionView>(...morning);
    expect(queued).toMatchObject({ state: 'queued', id: morning.at(-1) });
    expect(await fleet.json<InjectionView>(...morning)).toEqual(queued);
    const other = await fleet.cli(['inject', 'worker', 'Good evening.', '--id', queued.id]);
    expect([other.code, other.stderr]).toEqual([1, expect.stringContaining('is that of another message')]);
    await fleet.act('start', 'worker');
    await fleet.event('inject.acted', ({ data }) => data.inject === queued.id);
    expect(saidIn(fleet.model.requests.at(-1)!).split('Good morning.')).toHaveLength(2);
  }, 90_000);

  test('twenty messages over the death of the host: each once, in order', async () => {
    await fleet.idle('worker');
    const { length: earlier } = await fleet.withHost((host) => host.call('injections', { agent: 'worker' }));
    const begun = await fleet.inject('worker', 'Begin. [[say busy]] [[hang busy]]');
    await fleet.event('inject.seen', ({ data }) => data.inject === begun.id);
    const { pid } = await fleet.until('worker', 'busy', (view) => view.activity === 'thinking');

    const texts = Array.from({ length: 20 }, (_, index) => `Message number ${index}.`);
    const ids = texts.map(() => randomUUID());
    const host = fleet.hostPid;
    const client = await fleet.connect();
    const answers = texts.map((text, index) =>
      client.call('inject', { agent: 'worker', text, id: ids[index]! }),
    );
    // Killed as soon as some are accepted: what becomes of the others only the next host can tell.
    const settled = Promise.allSettled(answers);
    await answers[4];
    process.kill(host, 'SIGKILL');
    for (const answer of await settled)
      if (answer.status === 'rejected') expect((answer.reason as AetherError).code).toBe('control.lost');
    await client.closed();
    await fleet.up();

    // Whoever got no answer sends it again under the same id.
    await fleet.withHost(async (next) => {
      for (const [index, text] of texts.entries())
        await next.call('inject', { agent: 'worker', text, id: ids[index]! });
    });
    fleet.model.release('busy');
    await fleet.event('inject.acted', ({ data }) => data.inject === ids.at(-1));
    const after = await fleet.idle('worker');
    expect(after.pid).toBe(pid);

    const said = saidIn(fleet.model.requests.at(-1)!);
    const read = [...said.matchAll(/Message number (\d+)\./g)].map(([, number]) => Number(number));
    expect(read).toEqual(texts.map((_, index) => index));
    const all = await fleet.withHost((next) => next.call('injections', { agent: 'worker' }));
    const receipts = all.slice(earlier + 1);
    expect(receipts.map(({ id }) => id)).toEqual(ids);
    for (const receipt of receipts) {
      expect(receipt.state).toBe('acted');
      expect(stages(receipt).filter((stage) => stage === 'delivered')).toHaveLength(1);
    }
  }, 90_000);

  test('a plain command: delivered is all that is ever known, and that stays so when it has ended', async () => {
    const receipt = await fleet.json<InjectionView>('inject', 'reader', 'Hello.', '--wait', 'delivered');
    expect(stages(receipt)).toEqual(['queued', 'delivered']);
    await fleet.act('stop', 'reader');
    const [after] = await fleet.withHost((client) => client.call('injections', { agent: 'reader' }));
    expect(after).toEqual(receipt);
  }, 60_000);
});

describe('an agent of its own', () => {
  afterAll(() => fleet.close(), 60_000);

  test('an engine that dies before it is up has read nothing: what waits for the agent goes to the next one', async () => {
    fleet = await LiveFleet.make({
      agents: { worker: { runtime: 'claude-code', autostart: false, restart: { policy: 'always' } } },
    });
    // Comes up only the second time; asked for its version it answers.
    const flag = join(fleet.project, 'workspaces', 'worker', 'tried');
    const engine = join(fleet.root, 'engine.sh');
    const script = `case "$*" in *--session-id*) [ -e ${flag} ] || { touch ${flag}; sleep 0.3; exit 1; };; esac`;
    fs.writeFileSync(engine, `#!/bin/sh\n${script}\nexec ${fleet.env.AETHER_CLAUDE_BINARY} "$@"\n`, {
      mode: 0o755,
    });
    fleet.env.AETHER_CLAUDE_BINARY = engine;
    await fleet.cli(['up', '--detach']);
    const { id } = await fleet.json<InjectionView>('inject', 'worker', 'Once. [[say once]]');
    await fleet.cli(['start', 'worker']);
    await fleet.event('inject.acted', ({ data }) => data.inject === id);
    expect(await fleet.events({ agent: 'worker', topics: ['run.exited'] })).toMatchObject([
      { data: { code: 1 } },
    ]);
    const receipt = await fleet.withHost((host) => host.call('injection', { id: id }));
    expect(stages(receipt)).toEqual(['queued', 'delivered', 'seen', 'acted']);
  }, 60_000);
});
