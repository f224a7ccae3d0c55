/** A human takes the builtin engine's terminal from a real host and gives it back: one conversation throughout. */
import { afterEach, expect, test } from 'vitest';
import { LiveFleet } from '../../support/live-fleet.ts';
import { saidIn } from '../../support/model-server/server.ts';

let fleet: LiveFleet | undefined;
afterEach(async () => {
  await fleet?.close();
  fleet = undefined;
});

test('taken over, typed into and handed back', async () => {
  const live = await LiveFleet.make({ agents: {} });
  fleet = live;
  live.configure({
    agents: {
      talker: {
        runtime: 'builtin',
        model: 'anthropic:scripted',
        auth: 'ANTHROPIC_API_KEY',
        env: { ANTHROPIC_BASE_URL: live.model.url },
        goal: 'begin [[say begun]]',
      },
    },
  });
  await live.up();
  await live.event('turn.ended');
  const said = (text: string) => live.event('message.assistant', ({ data }) => data.text === text);
  await live.withHost(async (client) => {
    await client.call('takeover', { agent: 'talker', when: 'boundary', cols: 90, rows: 25 });
    const view = await live.until('talker', 'the terminal is mine', ({ lease, terminal }) => {
      return lease?.phase === 'held' && terminal.kind === 'takeover';
    });
    const { generation } = view.lease!;
    await client.call('terminalWrite', {
      agent: 'talker',
      generation: generation,
      data: 'TYPED [[say heard]]\r',
    });
    await said('heard');
    await client.call('handback', { agent: 'talker', generation, note: 'HANDED-BACK [[say resumed]]' });
  });
  await said('resumed');
  const last = saidIn(live.model.requests.at(-1)!);
  for (const text of ['begin', 'begun', 'TYPED', 'heard', 'HANDED-BACK']) expect(last).toContain(text);
  // Both sources tell of the same conversation, each thing once.
  const texts = (await live.events({ topics: ['message'] })).map(({ data }) => String(data.text));
  expect(texts.filter((text) => text === 'begun' || text === 'heard' || text === 'resumed')).toEqual([
    'begun',
    'heard',
    'resumed',
  ]);
  expect(texts.filter((text) => text.startsWith('TYPED'))).toHaveLength(1);
}, 90_000);
