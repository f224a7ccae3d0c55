/** A takeover on the heels of an agent's first message: the engine has that message, and its conversation is only about to be. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LiveFleet } from '../support/live-fleet.ts';
import { saidIn } from '../support/model-server/server.ts';
import { LONG } from '../support/run-tree.ts';

const WAYS = LONG ? (['boundary', 'now'] as const) : (['boundary'] as const);

let fleet: LiveFleet;
beforeAll(async () => {
  fleet = await LiveFleet.make({
    agents: Object.fromEntries(WAYS.map((name) => [name, { runtime: 'claude-code', autostart: false }])),
  });
  await fleet.up();
}, 60_000);
afterAll(() => fleet.close(), 60_000);

test.each(WAYS)(
  '%s: the message is read, the terminal comes up, and it is the same run',
  async (when) => {
    await fleet.act('start', when);
    const { run, pid } = await fleet.idle(when);
    const id = randomUUID();
    const mine = ({ agent }: { agent: string | null }) => agent === when;
    await fleet.withHost(async (host) => {
      // The engine is slow: the message lies in its pipe, and it has not said a word about it.
      process.kill(pid!, 'SIGSTOP');
      await host.call('inject', { agent: when, text: 'A word. [[say heard]]', id });
      await fleet.event('inject.delivered', mine);
      const taken = host.call('takeover', { agent: when, when, cols: 80, rows: 24 });
      await fleet.event('lease.requested', mine);
      await sleep(500);
      process.kill(pid!, 'SIGCONT');
      expect(await taken).toMatchObject({ phase: 'held' });
    });
    const { lease } = await fleet.agent(when);
    await fleet.withHost((host) => host.call('handback', { agent: when, generation: lease!.generation }));
    const { id: end } = await fleet.inject(when, 'The end. [[say bye]]');
    await fleet.event('inject.acted', ({ data }) => data.inject === end);
    expect((await fleet.agent(when)).run).toBe(run);
    expect(saidIn(fleet.model.requests.at(-1)!).match(/A word\./g)).toHaveLength(1);
    const receipt = await fleet.withHost((host) => host.call('injection', { id }));
    expect(['seen', 'acted']).toContain(receipt.state);
    await fleet.act('stop', when);
  },
  90_000,
);
