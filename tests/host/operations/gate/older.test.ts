/** A live run whose record an older host wrote: its calls and questions are answered by this one. */
import Database from 'better-sqlite3';
import { afterEach, expect, test } from 'vitest';
import type { ObservedEvent } from '../../../../src/runtimes/runtime.ts';
import { LiveRun } from '../../../support/live-run.ts';

let live: LiveRun;
afterEach(() => live?.close());

test('a permission that was kept beside the record, and an answer that was on its way', async () => {
  live = await LiveRun.begin();
  const asked = (id: string): ObservedEvent => ({
    ...{
      kind: 'permission-asked',
      requestId: `p-${id}`,
      tool: 'shell',
      toolUseId: id,
      input: { command: id },
    },
  });
  await live.say(asked('t1'), asked('t2'), asked('t3'));
  const [first, second, third] = live.wiring.approvals.list();
  await live.die();

  // As a host of before wrote it: no call in the record, no stage in the question; one is answered, one was sent.
  const db = new Database(live.file);
  db.exec(`UPDATE runs SET gate = json_set(gate, '$.waiting', json('[]'))`);
  db.exec(`UPDATE approvals SET detail = json_remove(detail, '$.stage')`);
  const answer = db.prepare(
    `UPDATE approvals SET state = 'answered', answer = '{"allow":true}', answered_ms = 1, answered_by = 'operator' WHERE id = ?`,
  );
  answer.run(second!.id);
  answer.run(third!.id);
  db.close();
  const sent = { do: 'permission', requestId: 'p-t3', allow: true, message: null };
  await live.writeAsBefore(`approval-${third!.id}`, `${JSON.stringify(sent)}\n`);

  await live.next();
  const requests = async () => (await live.frames()).map(({ request }) => request);
  // The shim knows the frame that was sent: it is not written twice.
  expect(await requests()).toMatchObject([sent, { requestId: 'p-t2', allow: true }]);
  expect(live.run.record.gate.waiting).toMatchObject([
    { stage: 'permission', verdict: 'ask', toolUseId: 't1' },
  ]);
  live.gate.answered(live.wiring.approvals.answer(first!.id, { allow: false, text: 'no' }, 'operator'));
  expect((await requests()).at(-1)).toMatchObject({ requestId: 'p-t1', allow: false, message: 'no' });
  expect(live.wiring.approvals.undelivered(live.run.id)).toEqual([]);
});

test('a call that the engine gave up before this host had looked', async () => {
  live = await LiveRun.begin();
  await live.say({ kind: 'permission-asked', requestId: 'p', tool: 'shell', toolUseId: 't', input: {} });
  live.run.save(({ gate }) => {
    gate.waiting = [];
  });
  await live.say({ kind: 'permission-withdrawn', requestId: 'p' });
  expect(live.wiring.approvals.list()).toEqual([]);
});
