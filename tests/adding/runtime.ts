/**
 * A runtime is added as a contributor would: its folder, and its name in the list. Configuration, schema, plan,
 * doctor and a run follow from its definition.
 */
import { expect, onTestFinished, test } from 'vitest';
import { ofTopic } from '../support/events.ts';
import { LiveFleet, running } from '../support/live-fleet.ts';
import type { Addition } from './addition.ts';
import { addParrot, DIRECTORY } from './parrot.ts';

/** Where it is found, like any program. */
const env = { PATH: `${DIRECTORY}:${process.env.PATH}` };

export const runtime: Addition = {
  name: 'a runtime: its folder and the list are written',
  tests: [],
  add(scratch) {
    addParrot(scratch);
    expect(scratch.touched()).toEqual({
      generated: ['templates/aether.schema.json'],
      written: [
        'src/runtimes/installed.ts',
        'src/runtimes/parrot/definition.ts',
        'src/runtimes/parrot/runtime.ts',
      ],
    });
  },
  live(scratch) {
    test('an agent of a runtime that was added is checked, planned, started, spoken to and stopped', async () => {
      const { program } = scratch();
      const fleet = await LiveFleet.make(
        { agents: { polly: { runtime: 'parrot', greeting: 'silence' } } },
        { program, env },
      );
      onTestFinished(() => fleet.close());
      expect((await fleet.cli(['plan'])).stderr).toContain('agents.polly.greeting says nothing.');
      fleet.configure({ agents: { polly: { runtime: 'command', command: ['true'], greeting: 'hello' } } });
      expect((await fleet.cli(['plan'])).stderr).toContain(
        'agents.polly.greeting is only for runtime parrot',
      );

      fleet.configure({ agents: { polly: { runtime: 'parrot', greeting: 'good day' } } });
      const plan = await fleet.ok('plan');
      for (const said of [
        'parrot (pipes)',
        'a message in mid-turn would end the turn, so it is kept until then (observed)',
        'asks before no tool call, so `permissions` have no effect (observed)',
      ])
        expect(plan).toContain(said);
      expect(await fleet.cli(['doctor'])).toMatchObject({ stdout: expect.stringContaining('parrot 1.0.0') });
      await fleet.up();
      await fleet.event('message.assistant', ({ data }) => data.text === 'good day');
      await fleet.ok('inject', 'polly', 'pieces of eight');
      await fleet.event('message.assistant', ({ data }) => data.text === 'pieces of eight');

      /* What would end its turn is kept until that is over; what is to end it is not, and overtakes. */
      const inject = (text: string, priority: 'now' | 'next' = 'next') =>
        fleet.withHost((host) => host.call('inject', { agent: 'polly', text, priority }));
      const { id: first } = await inject('[[hang here]]');
      await fleet.event('inject.seen', ({ data }) => data.inject === first);
      await inject('kept');
      await inject('at once', 'now');
      await fleet.event('message.assistant', ({ data }) => data.text === 'kept');
      const told = ofTopic(await fleet.events(), 'turn.ended', 'message.user').map(({ data }) =>
        'outcome' in data ? data.outcome : data.text,
      );
      const from = told.indexOf('[[hang here]]') + 1;
      expect(told.slice(from, from + 4)).toEqual(['interrupted', 'at once', 'done', 'kept']);

      /* A live edit of its own key waits, with the reason that its definition gives. */
      fleet.configure({ agents: { polly: { runtime: 'parrot', greeting: 'good night' } } });
      const { pending } = await fleet.until('polly', 'pending', (view) => view.pending !== null);
      expect(pending).toBe('greeting decides what it says first');
      await fleet.act('stop', 'polly');
      expect((await fleet.agent('polly')).state).toBe('stopped');
    }, 120_000);

    test('a terminal beside the engine of a runtime that was added: both work, both stand still, both end', async () => {
      const { program } = scratch();
      const fleet = await LiveFleet.make({ agents: { polly: { runtime: 'parrot' } } }, { program, env });
      onTestFinished(() => fleet.close());
      await fleet.up();
      const { pid } = await fleet.idle('polly');
      const host = await fleet.connect();
      const takeover = () => host.call('takeover', { agent: 'polly', when: 'boundary', cols: 90, rows: 30 });
      const terminalPid = async () =>
        (await fleet.event('process.started', ({ data }) => data.beside === true)).data.pid as number;

      /* The engine keeps the floor and goes on; a message of another waits for the lease. */
      const { generation } = await takeover();
      const held = await fleet.agent('polly');
      expect(held).toMatchObject({
        pid,
        terminal: { available: true, kind: 'takeover', cols: 90, rows: 30 },
      });
      const second = await terminalPid();
      expect(running(second)).toBe(true);
      await host.call('inject', { agent: 'polly', text: 'later' });
      await host.call('terminalWrite', { agent: 'polly', generation, data: 'typed\r' });
      let screen = '';
      for await (const item of host.stream('attach', { agent: 'polly' })) {
        if (item.kind === 'screen' || item.kind === 'chunk')
          screen += Buffer.from(item.data, 'base64').toString();
        if (screen.includes('* typed')) break;
      }
      expect(screen).toContain('at your service');

      await fleet.act('pause', 'polly');
      expect((await fleet.event('run.paused')).data).toMatchObject({ processes: 3, ticks: 0 });
      await fleet.act('resume', 'polly');

      /* Handed back: the terminal is gone, the engine is told and reads what waited. */
      await host.call('handback', { agent: 'polly', generation, note: 'mind the cat' });
      expect(running(second)).toBe(false);
      await fleet.event('message.assistant', ({ data }) => String(data.text).includes('mind the cat'));
      await fleet.event('message.assistant', ({ data }) => data.text === 'later');
      expect(await fleet.agent('polly')).toMatchObject({ pid, lease: null, terminal: { kind: 'none' } });

      /* Its holder leaves the terminal: that hands back, and the engine never stood still. */
      const { generation: again } = await takeover();
      await host.call('terminalWrite', { agent: 'polly', generation: again, data: '\x04' });
      const left = await fleet.event('lease.returned', ({ data }) => data.left === true);
      expect(left.data).toMatchObject({ generation: again, why: 'the terminal ended' });
      expect(await fleet.agent('polly')).toMatchObject({ pid, lease: null, state: 'running' });

      /* A stop ends both. */
      await takeover();
      const third = (await fleet.events({ topics: ['process.started'] })).at(-1)!.data.pid as number;
      await fleet.act('stop', 'polly');
      expect([pid!, third].map(running)).toEqual([false, false]);
      host.close();
    }, 120_000);
  },
};
