/** A person takes a conversation over in their own terminal, types into it, and hands it back with a note. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { ofTopic } from '../support/events.ts';
import { AETHER, LiveFleet } from '../support/live-fleet.ts';
import { LiveTerminal } from '../support/live-terminal.ts';
import { saidIn } from '../support/model-server/server.ts';

let fleet: LiveFleet;
let terminal: LiveTerminal | null = null;
beforeAll(async () => {
  const agent = { runtime: 'claude-code', goal: 'Begin. [[say I have begun the chronicle]]' };
  fleet = await LiveFleet.make({
    agents: { writer: agent, leaver: { ...agent, restart: 'never', autostart: false } },
  });
  await fleet.up();
}, 60_000);
afterEach(() => terminal?.close());
afterAll(() => fleet.close(), 60_000);

/** Claude Code's own terminal waits for the keyboard. */
const READY = 'manual mode on';
const CTRL_BRACKET = '\x1d';

test('aether attach: the typed turn and the note are in the conversation that goes on', async () => {
  const before = await fleet.turns('writer', 1);
  expect(before.terminal.available).toBe(false);

  terminal = new LiveTerminal([...AETHER, 'attach', 'writer'], { cwd: fleet.project, env: fleet.env });
  await terminal.shows('You hold writer');
  // The conversation is the same one: what was said before is on the screen.
  await terminal.shows('I have begun the chronicle');
  await terminal.shows(READY);
  const held = await fleet.until('writer', 'held', (view) => view.lease?.phase === 'held');
  expect(held.run).toBe(before.run);
  expect(held.pid).not.toBe(before.pid);
  expect(held.terminal).toMatchObject({ available: true, kind: 'takeover', cols: 100, rows: 30 });

  // Nobody else can take it meanwhile, and a message waits.
  const second = new LiveTerminal([...AETHER, 'attach', 'writer'], { cwd: fleet.project, env: fleet.env });
  expect((await second.exited).code).not.toBe(0);
  expect(second.text).toContain('holdswriter');

  await terminal.type('My name is Quill. [[say Quill it is]]');
  await terminal.shows('Quill it is');
  await fleet.event('message.user', ({ data }) => data.typed === true && String(data.text).includes('Quill'));
  const waiting = JSON.parse(await fleet.ok('inject', 'writer', 'After you. [[say after]]', '--json')) as {
    id: string;
    state: string;
  };
  expect(waiting.state).toBe('queued');

  const seen = fleet.model.requests.length;
  terminal.press(CTRL_BRACKET);
  await terminal.shows('Note for writer');
  await terminal.type('Mind the comma. [[say noted]]');
  await terminal.shows('Handed writer back');
  expect(await terminal.exited).toMatchObject({ code: 0 });

  const next = await fleet.model.waitFor((request) => request.index >= seen && request.conversation !== null);
  const said = saidIn(next);
  for (const words of ['Begin.', 'I have begun the chronicle', 'My name is Quill.', 'Mind the comma.'])
    expect(said).toContain(words);
  expect(said.indexOf('My name is Quill.')).toBeLessThan(said.indexOf('Mind the comma.'));

  await fleet.event('inject.acted', ({ data }) => data.inject === waiting.id);
  const after = await fleet.idle('writer');
  expect([after.lease, after.run, after.terminal.available]).toEqual([null, before.run, false]);

  // The log tells the story once, although two programs and a transcript spoke of it.
  const events = await fleet.events({ agent: 'writer' });
  const leases = ofTopic(events, 'lease.requested', 'lease.held', 'lease.returned', 'lease.expired');
  expect(leases.map(({ topic }) => topic)).toEqual(['lease.requested', 'lease.held', 'lease.returned']);
  expect(ofTopic(leases, 'lease.returned').at(-1)?.data.note).toBe('Mind the comma. [[say noted]]');
  const messages = ofTopic(events, 'message.user', 'message.assistant');
  expect(messages.map(({ topic, data }) => `${topic}: ${String(data.text).split('\n').at(0)}`)).toEqual([
    'message.user: Begin. [[say I have begun the chronicle]]',
    'message.assistant: I have begun the chronicle',
    'message.user: My name is Quill. [[say Quill it is]]',
    'message.assistant: Quill it is',
    expect.stringMatching(/^message.user: \[aether\] .* had your terminal for \d+ s and handed it back\.$/),
    'message.assistant: noted',
    'message.user: After you. [[say after]]',
    'message.assistant: after',
  ]);
}, 90_000);

test('whoever leaves the terminal in its own way has handed back too', async () => {
  await fleet.act('start', 'leaver');
  const before = await fleet.turns('leaver', 1);
  terminal = new LiveTerminal([...AETHER, 'attach', 'leaver'], { cwd: fleet.project, env: fleet.env });
  await terminal.shows(READY);
  await terminal.type('My name is Quill. [[say Quill it is]]');
  await terminal.shows('● Quill it is');
  const seen = fleet.model.requests.length;
  await terminal.type('/exit');
  await terminal.shows('Handed leaver back');
  expect(await terminal.exited).toMatchObject({ code: 0 });

  const next = await fleet.model.waitFor((request) => request.index >= seen && request.conversation !== null);
  expect(saidIn(next)).toContain('My name is Quill.');
  expect(saidIn(next)).toContain('has left it');
  const after = await fleet.until(
    'leaver',
    'back',
    (view) => view.state === 'running' && view.run !== before.run,
  );
  expect(after).toMatchObject({ lease: null, problem: null });
  const said = (await fleet.events({ agent: 'leaver', topics: ['message.'] })).map(({ data }) => data.text);
  expect(said.filter((text) => String(text).startsWith('My name'))).toHaveLength(1);
  expect(said).toContain('Quill it is');
}, 90_000);

test('aether down in the middle of a takeover: nothing is left, and the next up goes on', async () => {
  await fleet.idle('writer');
  terminal = new LiveTerminal([...AETHER, 'attach', 'writer'], { cwd: fleet.project, env: fleet.env });
  await terminal.shows(READY);
  await terminal.type('Call me Ink. [[say Ink it is]]');
  await terminal.shows('● Ink it is');
  await fleet.ok('down');
  expect(await fleet.leftovers()).toEqual([]);
  expect((await terminal.exited).code).not.toBe(0);

  const seen = fleet.model.requests.length;
  await fleet.up();
  const next = await fleet.model.waitFor((request) => request.index >= seen && request.conversation !== null);
  for (const words of ['I have begun the chronicle', 'Call me Ink.', 'You were stopped'])
    expect(saidIn(next)).toContain(words);
  expect((await fleet.idle('writer')).lease).toBeNull();
}, 90_000);
