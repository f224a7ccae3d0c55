/** An engine that waits for what is remembered, whatever dies: it is answered once, by the host that lives. Real shims. */
import { expect, test } from 'vitest';
import type { Runtime } from '../../../../src/runtimes/runtime.ts';
import { fixtureRuntime } from '../../../support/fixture-runtime.ts';
import { puppetRuntime } from '../../../support/seam-host.ts';
import { useSeams } from '../../../support/seams.ts';

const seams = useSeams();
const runtime: Runtime = puppetRuntime('cat', {
  capabilities: { ...fixtureRuntime.capabilities, recall: ['start'] },
  recall: ({ requestId, text }) => ({
    id: `own-${requestId}`,
    data: `${JSON.stringify({ do: 'recall', requestId, text })}\n`,
  }),
});
const asks = { kind: 'recall-asked', requestId: 'q', at: 'start', words: 'w', patient: true } as const;
const told = (injectId: string, stage: 'seen') =>
  ({ kind: 'inject', injectId, stage, evidence: 'the engine says so' }) as const;

test('the host that was asked dies before it has answered: the next one answers, once', async () => {
  const first = await seams.begin({ runtime });
  // It answers nothing any more.
  first.wiring.recalls.pass = () => undefined;
  await first.say(asks);
  first.die();
  const host = await seams.next(first);
  await host.until('it to be answered', () => host.run.record.turn.recall === undefined);
  await host.say({ kind: 'activity', activity: 'idle', evidence: 'the turn ended' });
  expect((await host.frames()).map(({ id }) => id)).toEqual(['recall:q']);
});

test('until a model has had the first message of a process, nothing is written that could lose it', async () => {
  const host = await seams.begin({ runtime });
  const first = host.messages.send('a', { text: 'first' }, 'operator').id;
  const now = host.messages.send('a', { text: 'at once', priority: 'now' }, 'operator').id;
  await host.settled();
  // Not even known to be taken up.
  expect((await host.frames()).map(({ id }) => id)).toEqual([first]);
  await host.say(told(first, 'seen'));
  await host.until('the next to be written', () => host.messages.get(now).state === 'delivered');
});
