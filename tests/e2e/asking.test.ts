/** An agent that waits for an answer says so, for as long as the question is open and however often it calls. */
import { afterEach, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { aether, LiveFleet } from '../support/live-fleet.ts';

let fleet: LiveFleet;
afterEach(() => fleet.close());

test('waiting-for-operator, as old as the question, over two calls; then it goes on', async () => {
  const ask = aether('ask_operator', { question: 'Which one?', waitSeconds: 3 });
  const again = aether('ask_operator', { id: '{{result.id}}', waitSeconds: 30 });
  fleet = await LiveFleet.make({
    agents: { writer: { runtime: 'claude-code', goal: `Ask. ${ask} ${again} [[say decided]]` } },
  });
  await fleet.up();
  const waits = (calls: number) =>
    eventually(`waiting in call ${calls}`, async () => {
      const called = await fleet.events({ agent: 'writer', topics: ['tool.called'] });
      const view = await fleet.agent('writer');
      return called.length === calls && view.activity === 'waiting-for-operator' ? view : null;
    });
  const first = await waits(1);
  expect(first.activityEvidence).toMatchObject({ what: 'waits for an answer to: Which one?' });
  const second = await waits(2);
  const [question] = JSON.parse(await fleet.ok('approvals', '--json')) as { id: string; opened_ms: number }[];
  expect(first.activityEvidence!.at_ms).toBe(question!.opened_ms);
  expect(second.activityEvidence).toEqual(first.activityEvidence);

  /* Who asks for the terminal meanwhile is told what for, and does not hold it yet. */
  const client = await fleet.connect();
  const taking = client.call('takeover', {
    agent: 'writer',
    when: 'boundary',
    cols: 80,
    rows: 24,
  });
  const givenUp = expect(taking).rejects.toMatchObject({ code: 'lease.stale' });
  const { lease } = await fleet.until('writer', 'asked for', (view) => view.lease?.waitingFor != null);
  expect(lease).toMatchObject({ phase: 'pending', waitingFor: 'the answer to: Which one?' });
  expect(await fleet.ok('ps')).toContain(`${lease!.holder} asks for the terminal`);
  await client.call('handback', { agent: 'writer', generation: lease!.generation });
  await givenUp;
  client.close();

  await fleet.ok('approvals', 'answer', question!.id, 'the second');
  expect((await fleet.turns('writer', 1)).activity).toBe('idle');
}, 60_000);
