/** A memory outlives the conversation it was stored in. */
import { afterEach, expect, test } from 'vitest';
import { ofTopic } from '../support/events.ts';
import { aether, LiveFleet } from '../support/live-fleet.ts';
import { resultsIn, saidIn } from '../support/model-server/server.ts';

let fleet: LiveFleet;
afterEach(() => fleet.close());

test('claude stores a memory in one run and recalls it in a conversation that never saw it', async () => {
  const fact = 'The ferry to Holmsund leaves from pier nine.';
  fleet = await LiveFleet.make({
    // Given nothing unasked: it has to search.
    memory: { recall_tokens: 0 },
    agents: {
      keeper: {
        runtime: 'claude-code',
        goal: `Remember. ${aether('memory_store', { text: fact, tags: ['ferry'] })} [[say stored]]`,
      },
    },
  });
  const said = await fleet.ok('up', '--detach');
  expect(said).toMatch(/keeper is running \(pid \d+\)/);
  expect(said).toContain('aether down');
  await fleet.event('turn.ended', ({ agent }) => agent === 'keeper');
  const first = await fleet.idle('keeper');

  await fleet.act('stop', 'keeper');
  const seen = fleet.model.requests.length;
  const goal = `Recall. ${aether('memory_search', { query: 'where does the ferry leave' })} [[say recalled]]`;
  await fleet.ok('start', 'keeper', '--fresh', '--goal', goal);

  const answered = await fleet.model.waitFor(
    (request) => request.index >= seen && resultsIn(request).length > 0,
    20_000,
  );
  expect(resultsIn(answered).join()).toContain(fact);
  // The conversation itself is new: nobody told it the fact.
  expect(saidIn(answered)).not.toContain(fact);
  expect(saidIn(answered)).toContain('Recall.');

  const second = await fleet.idle('keeper');
  expect(second.run).not.toBe(first.run);
  const events = await fleet.events({ agent: 'keeper' });
  expect(
    events.filter(({ topic, principal }) => topic === 'memory.stored' && principal !== 'host'),
  ).toHaveLength(1);
  const called = ofTopic(events, 'mcp.called');
  expect(called.map(({ data, run }) => [data.tool, data.ok, run])).toEqual([
    ['aether_memory_store', true, first.run],
    ['aether_memory_search', true, second.run],
  ]);
  // The audit of the host and the engine's own word speak of the same calls.
  const claimed = ofTopic(events, 'tool.called').map(({ data }) => data.toolUseId);
  expect(called.map(({ data }) => data.toolUseId)).toEqual(claimed);
});
