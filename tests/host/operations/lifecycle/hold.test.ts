/** Holding and resuming, where something else happens at the same moment: real store and shim, an engine that obeys. */
import { expect, test } from 'vitest';
import { limits } from '../../../../src/host/limits.ts';
import { useSeams } from '../../../support/seams.ts';

const seams = useSeams();
const inTool = { kind: 'activity', activity: 'tool', evidence: 'runs shell', tool: 'shell' } as const;
const asking = { kind: 'activity', activity: 'waiting-for-operator', evidence: 'asks' } as const;
const called = (toolUseId: string) =>
  ({ kind: 'gate-asked', requestId: `q-${toolUseId}`, tool: 'shell', toolUseId, input: {} }) as const;

test('held while it waits for an answer: it stands still at once, and its next call waits until it is resumed', async () => {
  const host = await seams.begin();
  await host.say(asking);
  host.holds.begin('a', 'operator');
  expect(host.run.record).toMatchObject({
    activity: 'held',
    activityEvidence: { what: expect.stringContaining('its question to the operator waits') },
  });
  expect(host.events('hold.held')).toHaveLength(1);
  await host.say(called('t1'));
  expect(await host.frames()).toEqual([]);
  await host.holds.resume('a', 'operator');
  expect((await host.frames()).map(({ request }) => request)).toEqual([
    { do: 'gate', requestId: 'q-t1', verdict: 'pass', message: null },
  ]);
  expect(host.events('hold.ended')).toMatchObject([{ why: 'resumed' }]);
});

test('held in a tool: it is not said to stand still before that tool has ended', async () => {
  const host = await seams.begin();
  await host.say(called('t1'), inTool);
  host.holds.begin('a', 'operator');
  expect([host.run.record.activity, host.events('hold.held')]).toEqual(['tool', []]);
  await host.say({ kind: 'tool-result', toolUseId: 't1', text: 'done', isError: false }, called('t2'));
  expect(host.run.record.activity).toBe('held');
  expect(host.events('hold.held')).toHaveLength(1);
});

test.each(['arrives', 'is lost'])(
  'held while the answer that a tool may run is on its way, and it %s',
  async (how) => {
    const host = await seams.begin();
    const { client } = host.run;
    const write = client.write.bind(client);
    let arrive = () => {};
    const underWay = new Promise<void>((resolve) => {
      arrive = resolve;
    });
    client.write = async (process, frame, data) => {
      if (frame.startsWith('puppet-')) return write(process, frame, data);
      await underWay;
      if (how === 'is lost') throw new Error('the connection is gone');
      return write(process, frame, data);
    };
    await host.say(inTool, called('t1'));
    host.holds.begin('a', 'operator');
    expect([host.run.record.activity, host.events('hold.held')]).toEqual(['tool', []]);
    arrive();
    if (how === 'arrives') {
      await host.until('it to be written', () => host.run.record.gate.running.length > 0);
      expect([host.run.record.activity, host.events('hold.held')]).toEqual(['tool', []]);
      await host.say({ kind: 'tool-result', toolUseId: 't1', text: 'done', isError: false });
      await host.say(called('t2'));
    }
    await host.until('it to stand still', () => host.run.record.activity === 'held');
    expect(host.events('hold.held')).toHaveLength(1);
  },
);

test('stopped while the note of a resume is gathered: it is not resumed, and nothing waits to be told', async () => {
  const host = await seams.begin();
  host.holds.begin('a', 'operator');
  await host.say(called('t1'));
  host.clock.advance(limits.away_told_ms);
  const resumed = host.holds.resume('a', 'operator');
  host.holds.forget('a', 'operator');
  await resumed;
  expect(host.events('hold.ended')).toMatchObject([{ why: 'stopped' }]);
  expect(host.messages.list('a')).toEqual([]);
});

test('held again while the note of a resume is gathered: the new hold stands', async () => {
  const host = await seams.begin();
  host.holds.begin('a', 'operator');
  await host.say(called('t1'));
  host.clock.advance(limits.away_told_ms);
  const resumed = host.holds.resume('a', 'operator');
  host.holds.forget('a', 'operator');
  host.clock.advance(1);
  host.holds.begin('a', 'operator');
  await resumed;
  expect(host.wiring.agents.get('a').hold).not.toBeNull();
  expect(await host.frames()).toEqual([]);
});

test('resumed twice at once: it goes on once, and is told once', async () => {
  const host = await seams.begin();
  host.holds.begin('a', 'operator');
  await host.say(called('t1'));
  host.clock.advance(limits.away_told_ms);
  await host.say(inTool);
  await Promise.all([host.holds.resume('a', 'operator'), host.holds.resume('a', 'operator')]);
  expect(host.events('hold.ended')).toHaveLength(1);
  expect((await host.frames()).filter(({ request }) => request.do === 'gate')).toHaveLength(1);
  expect(host.messages.list('a').length).toBeLessThanOrEqual(1);
});

test('a hold outlives its host: what it kept back follows when the next host resumes it', async () => {
  const first = await seams.begin();
  first.holds.begin('a', 'operator');
  await first.say(called('t1'));
  first.messages.send('a', { text: 'meanwhile' }, 'operator');
  first.die();
  const host = await seams.next(first);
  expect(await host.frames()).toEqual([]);
  expect(host.run.record.activity).toBe('held');
  await host.holds.resume('a', 'operator');
  await host.settled();
  const done = (await host.frames()).map(({ request }) => request.do);
  expect(done.filter((what) => what === 'gate')).toHaveLength(1);
  expect(done).toContain('message');
});
