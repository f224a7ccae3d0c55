/** A takeover on the heels of an agent's first message: the engine has that message, and its conversation is only about to be. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { LiveFleet } from '../support/live-fleet.ts';
import { saidIn } from '../support/model-server/server.ts';

let fleet: LiveFleet;
afterEach(() => fleet.close());

test.each(['boundary', 'now'] as const)(
  '%s: the message is read, the terminal comes up, and it is the same run',
  async (when) => {
    fleet = await LiveFleet.make({ agents: { worker: { runtime: 'claude-code' } } });
    await fleet.up();
    const { run, pid } = await fleet.idle('worker');
    const id = randomUUID();
    await fleet.withHost(async (host) => {
      // The engine is slow: the message lies in its pipe, and it has not said a word about it.
      process.kill(pid!, 'SIGSTOP');
      await host.call('inject', { agent: 'worker', text: 'A word. [[say heard]]', id });
      await fleet.event('inject.delivered');
      const taken = host.call('takeover', { agent: 'worker', when, cols: 80, rows: 24 });
      await fleet.event('lease.requested');
      await sleep(500);
      process.kill(pid!, 'SIGCONT');
      expect(await taken).toMatchObject({ phase: 'held' });
    });
    const { lease } = await fleet.agent('worker');
    await fleet.withHost((host) => host.call('handback', { agent: 'worker', generation: lease!.generation }));
    await fleet.ok('inject', 'worker', 'The end. [[say bye]]', '--wait', 'acted');
    expect((await fleet.agent('worker')).run).toBe(run);
    expect(saidIn(fleet.model.requests.at(-1)!).match(/A word\./g)).toHaveLength(1);
    const receipt = await fleet.withHost((host) => host.call('injection', { id: id }));
    expect(['seen', 'acted']).toContain(receipt.state);
  },
  90_000,
);
