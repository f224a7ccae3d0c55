/**
 * The host is killed at every stage of one takeover: while it waits for the boundary, during the swap, while
 * the terminal is held, during the way back. The lease survives each, and the conversation is one.
 */
import { afterEach, expect, test } from 'vitest';
import type { LeaseView } from '../../src/host/api.ts';
import type { ControlClient } from '../../src/host/control/client.ts';
import { eventually } from '../support/eventually.ts';
import { AETHER, call, LiveFleet } from '../support/live-fleet.ts';
import { LiveTerminal } from '../support/live-terminal.ts';
import { resultsIn, saidIn } from '../support/model-server/server.ts';

let fleet: LiveFleet;
let terminal: LiveTerminal | null = null;
afterEach(async () => {
  await terminal?.close();
  await fleet.close();
});

/** Reads the agent's terminal through the control socket, as any viewer does. */
async function screen(client: ControlClient, name: string): Promise<{ text(): string }> {
  let output = '';
  void (async () => {
    for await (const item of client.stream('attach', { agent: name }))
      if (item.kind === 'screen' || item.kind === 'chunk')
        output += Buffer.from(item.data, 'base64').toString();
  })().catch(() => undefined); // the connection ends with the host
  return {
    text: () => output.replace(/\u001b\[[0-9;?<>=]*[ -/]*[@-~]|\u001b./g, '').replace(/\s+/g, ''),
  };
}

async function swapsBegun(): Promise<number> {
  return (await fleet.events({ topics: ['swap.begun'] })).length;
}

test('kill -9 at each stage of a takeover', async () => {
  const tool = call('Bash', { command: 'sleep 4; echo slept', description: 'slow' });
  fleet = await LiveFleet.make({
    agents: {
      writer: {
        runtime: 'claude-code',
        goal: `Begin. ${tool} [[say never said: the turn is interrupted]]`,
        permissions: { allow: ['Bash'] },
      },
    },
  });
  await fleet.up();
  const before = await fleet.until('writer', 'in its tool', (view) => view.activity === 'tool', 30_000);

  /* While it waits for the tool: whoever waits is told that the host is gone, and the wish stays. */
  terminal = new LiveTerminal([...AETHER, 'attach', 'writer'], { cwd: fleet.project, env: fleet.env });
  await terminal.shows('Waiting for');
  const asked = (await fleet.agent('writer')).lease!;
  expect(asked.phase).toBe('pending');
  await fleet.killHost();
  expect((await terminal.exited).code).not.toBe(0);
  expect(terminal.text).toMatch(/error:.*host/);
  await fleet.up();
  const again = await fleet.agent('writer');
  expect(again.lease).toMatchObject({ generation: asked.generation, holder: asked.holder });

  /* During the swap: the shim finishes it alone. */
  const { seq } = await fleet.event('swap.begun');
  await fleet.killHost();
  await fleet.up();
  const held = await fleet.until('writer', 'held', (view) => view.lease?.phase === 'held', 30_000);
  expect(held.lease).toMatchObject({ generation: asked.generation, holder: asked.holder });
  expect(held).toMatchObject({ run: before.run, requested: null, terminal: { kind: 'takeover' } });
  expect(await swapsBegun()).toBe(1);

  /* While it is held: the same lease types on. */
  await fleet.killHost();
  await fleet.up();
  const lease = (await fleet.agent('writer')).lease as LeaseView;
  expect(lease).toMatchObject({ phase: 'held', generation: asked.generation });
  const client = await fleet.connect();
  // A beat says that its holder is still there: nobody may take it from them (lease.test.ts has the other case).
  await client.call('leaseBeat', { agent: 'writer', generation: lease.generation });
  const shown = await screen(client, 'writer');
  await eventually('the terminal waits', () => shown.text().includes('manualmodeon'), 20_000);
  await client.call('terminalWrite', {
    agent: 'writer',
    generation: lease.generation,
    data: 'Typed after two deaths. [[say heard]]',
  });
  await eventually('it echoes', () => shown.text().includes('Typedaftertwodeaths.'));
  await client.call('terminalWrite', { agent: 'writer', generation: lease.generation, data: '\r' });
  await fleet.model.waitFor((request) => saidIn(request).includes('Typed after two deaths.'));
  await fleet.event('message.assistant', ({ data }) => data.text === 'heard');

  /* On the way back. */
  const seen = fleet.model.requests.length;
  const back = client.call('handback', {
    agent: 'writer',
    generation: lease.generation,
    note: 'Returned in pieces. [[say whole]]',
  });
  const lost = back.then(
    () => null,
    (error: Error) => error,
  );
  await fleet.event('swap.begun', (event) => event.seq > seq);
  await fleet.killHost();
  expect(await lost).toMatchObject({ code: 'control.lost' });
  await fleet.up();
  const free = await fleet.until('writer', 'free', (view) => view.lease === null, 30_000);
  expect(free).toMatchObject({ run: before.run, requested: null, state: 'running' });
  const next = await fleet.model.waitFor(
    (request) => request.index >= seen && saidIn(request).includes('Returned in pieces.'),
    20_000,
  );
  expect(saidIn(next)).toContain('Begin.');
  expect(resultsIn(next).join()).toContain('slept');
  expect(saidIn(next)).toContain('Typed after two deaths.');
  await fleet.idle('writer');
  await client.closed();

  /* And it listens again. */
  const { id } = await fleet.inject('writer', 'Still there? [[say here]]');
  await fleet.event('inject.acted', ({ data }) => data.inject === id);
  const once = (text: string) =>
    fleet.model.requests.at(-1)!.conversation!.turns.filter((turn) => turn.text.includes(text)).length;
  expect([once('Begin.'), once('Typed after'), once('Returned in'), once('Still there?')]).toEqual([
    1, 1, 1, 1,
  ]);
  const topics = (await fleet.events({ agent: 'writer', topics: ['lease.', 'swap.'] })).map(
    ({ topic }) => topic,
  );
  expect(topics).toEqual([
    'lease.requested',
    'swap.begun',
    'swap.done',
    'lease.held',
    'swap.begun',
    'swap.done',
    'lease.returned',
  ]);
}, 150_000);
