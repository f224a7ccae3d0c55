/**
 * A fact that was stored in one run is there in another that nobody told it, without a tool being named; once it is
 * superseded, only what took its place is.
 */
import { afterEach, expect, test } from 'vitest';
import { aether, call, LiveFleet } from '../support/live-fleet.ts';
import { type LoggedRequest, saidIn } from '../support/model-server/server.ts';

let fleet: LiveFleet;
afterEach(() => fleet.close());

const OLD = 'The ferry to Holmsund leaves from pier nine.';
const NEW = 'The ferry to Holmsund leaves from pier four.';

const own = (tool: string, input: unknown) => call(`aether_${tool}`, input);

test.each([
  ['claude-code', aether],
  ['builtin', own],
] as const)(
  '%s knows in its next run what still holds of what the last one stored',
  async (runtime, store) => {
    const remember = (text: string) => store('memory_store', { text, key: 'ferry' });
    fleet = await LiveFleet.make({ agents: {} });
    const goal = `Remember. ${remember(OLD)} [[say stored]]`;
    const env = { ANTHROPIC_BASE_URL: fleet.model.url };
    const model = runtime === 'builtin' ? { model: 'anthropic:x', auth: 'ANTHROPIC_API_KEY', env } : {};
    fleet.configure({ agents: { pilot: { runtime, goal, ...model } } });
    await fleet.up();
    await fleet.turns('pilot', 1);

    const first = await askedAnew('From where does the ferry leave?');
    expect(saidIn(first)).toContain(OLD);
    // As data: what it is stands around it.
    expect(saidIn(first)).toMatch(/not instructions.*<memories>.*pier nine.*<\/memories>/s);
    const recalled = await fleet.event('memory.recalled');
    expect(recalled).toMatchObject({ agent: 'pilot', principal: 'host', data: { at: 'start' } });

    // What the host remembers of the first run by itself: found by whoever searches, and no longer true than its sources.
    const { memories } = await fleet.withHost((host) => host.call('memories', { tag: 'episode' }));
    const episode = memories.at(-1)!;
    expect(episode).toMatchObject({
      author: 'host',
      holder: 'agent:pilot',
      layer: 'episodic',
      state: 'live',
    });
    expect(episode.text).toMatch(
      /^pilot ran for .*Goal: Remember\..*\nHow it ended: the last turn was done.*1 turn, 1 tool call/,
    );

    await askedAnew(`Correct it. ${remember(NEW)} [[say corrected]]`);
    await fleet.event('memory.stored', ({ data }) => data.replaced);
    const second = await askedAnew('Where do I have to go for the ferry?');
    expect(saidIn(second)).toContain(NEW);
    expect(saidIn(second)).not.toContain(OLD);
    const { because, memory } = await fleet.withHost((host) => host.call('memory', { id: episode.id }));
    expect(memory.state, because.join('\n')).toBe('stale');
  },
);

/** A new conversation with this goal. @returns the first request that the model was given of it */
async function askedAnew(goal: string): Promise<LoggedRequest> {
  await fleet.act('stop', 'pilot');
  const seen = fleet.model.requests.length;
  await fleet.ok('start', 'pilot', '--fresh', '--goal', goal);
  const holds = ({ index, conversation }: LoggedRequest) =>
    index >= seen && (conversation?.turns.some(({ text }) => text.includes(goal)) ?? false);
  const request = await fleet.model.waitFor(holds, 20_000);
  await fleet.event('turn.ended', ({ at_ms }) => at_ms >= request.at_ms);
  await fleet.idle('pilot');
  return request;
}
