import { afterEach, expect, test } from 'vitest';
import { fill, lookUp, MissingValue } from '../../../src/runtimes/builtin/loop/replay/placeholders.ts';
import { LoopDesk, LoopProcess } from './loop-process.ts';

let desk: LoopDesk;
let loop: LoopProcess | undefined;

afterEach(async () => {
  await loop?.stop();
  loop = undefined;
  desk?.remove();
});

function recording(steps: unknown[], more: Record<string, unknown> = {}) {
  desk = new LoopDesk();
  const file = desk.write('recording.json', JSON.stringify({ title: 'a test', steps, ...more }));
  return desk.loopAgent({ model: 'replay:./recording.json', options: { replay: file }, goal: 'Play.' });
}

test('a later step carries what a tool really answered', async () => {
  const agent = recording([
    {
      delay_ms: 0,
      call: { tool: 'run_command', input: { command: 'date +%s%N > made; cat made' }, save: 'made' },
    },
    { delay_ms: 0, call: { tool: 'aether_echo', input: { text: 'it is {{made}}' }, save: 'echo' } },
    { delay_ms: 0, say: 'The server said "{{echo}}".' },
  ]);
  loop = await LoopProcess.start(desk, agent);
  expect((await loop.turnEnd()).outcome).toBe('done');
  const made = loop.of('tool-result')[0]?.text.trim();
  expect(made).toMatch(/^\d{19}$/);
  expect(loop.of('tool-call')[1]?.input).toEqual({ text: `it is ${made}` });
  expect(loop.of('message').at(-1)?.text).toBe(`The server said "echo: it is ${made}".`);
});

test('a call is repeated until its result has what the recording waits for', async () => {
  const agent = recording([
    {
      delay_ms: 0,
      call: { tool: 'run_command', input: { command: 'echo x >> n; wc -l < n' }, save: 'first' },
      again: { tool: 'run_command', input: { command: 'echo x >> n; echo "{\\"lines\\":$(wc -l < n)}"' } },
      until: { path: 'lines', equals: 4 },
      every_ms: 10,
    },
    { delay_ms: 0, say: 'There are {{first.lines}} lines.' },
  ]);
  loop = await LoopProcess.start(desk, agent);
  await loop.turnEnd();
  expect(loop.of('tool-call')).toHaveLength(4);
  expect(loop.of('message').at(-1)?.text).toBe('There are 4 lines.');
});

test('the number of tries is limited, and a person can ask for more', async () => {
  const agent = recording([
    {
      delay_ms: 0,
      call: { tool: 'list_files', input: {} },
      until: { path: 'never' },
      every_ms: 0,
      attempts_max: 3,
    },
  ]);
  loop = await LoopProcess.start(desk, agent);
  await loop.turnEnd();
  expect(loop.of('tool-call')).toHaveLength(3);
  expect(loop.of('message').at(-1)?.text).toContain('still waits for never');
  const from = loop.events.length;
  loop.say('go on');
  await loop.turnEnd(from);
  expect(loop.of('tool-call').length).toBeGreaterThan(3);
});

test('a placeholder without a value ends the turn honestly instead of inventing one', async () => {
  const agent = recording([{ delay_ms: 0, say: 'It is {{nothing.at.all}}.' }]);
  loop = await LoopProcess.start(desk, agent);
  await loop.turnEnd();
  expect(loop.of('message').at(-1)?.text).toContain('there is no nothing.at.all');
});

test('a person who writes after the end is told that this is a recording', async () => {
  const agent = recording([{ delay_ms: 0, say: 'The end.' }], {
    answers: [{ words: ['colour'], say: 'Blue, as recorded.' }],
  });
  loop = await LoopProcess.start(desk, agent);
  await loop.turnEnd();
  expect(loop.of('note')[0]?.text).toContain('plays a recorded conversation');
  let from = loop.events.length;
  loop.say('What do you think?');
  await loop.turnEnd(from);
  expect(loop.of('message').at(-1)?.text).toContain('This is a recorded conversation');
  from = loop.events.length;
  loop.say('Which colour?');
  await loop.turnEnd(from);
  expect(loop.of('message').at(-1)?.text).toMatch(/^Blue, as recorded\.[\s\S]*Played from a recording/);
});

test('a step with a cue waits for it, and says so to anybody else', async () => {
  const agent = recording([
    { delay_ms: 0, say: 'I wait for mail.' },
    { delay_ms: 0, cue: ['mail'], say: 'Mail it is.' },
  ]);
  loop = await LoopProcess.start(desk, agent);
  await loop.turnEnd();
  let from = loop.events.length;
  loop.say('hello');
  await loop.turnEnd(from);
  expect(loop.of('message').at(-1)?.text).toContain('waits for something else');
  from = loop.events.length;
  loop.say('[aether] You have 1 unread mail.');
  await loop.turnEnd(from);
  expect(loop.of('message').at(-1)?.text).toBe('Mail it is.');
});

test('an interrupted step is played again, and what was written meanwhile is acknowledged', async () => {
  const agent = recording([
    {
      delay_ms: 0,
      call: { tool: 'run_command', input: { command: 'test -e go && cat go || sleep 60' }, save: 'go' },
    },
    { delay_ms: 0, say: 'Got {{go}}.' },
  ]);
  loop = await LoopProcess.start(desk, agent);
  await loop.waitFor('activity', (event) => event.activity === 'tool');
  desk.write('workspace/go', 'the answer');
  loop.say('hurry up', 'now');
  await loop.turnEnd();
  const texts = loop.of('message').map((event) => event.text);
  expect(texts.at(-2)).toContain('“hurry up”');
  expect(texts.at(-1)).toBe('Got the answer.');
});

test('a killed replay goes on where it was', async () => {
  const agent = recording([
    { delay_ms: 0, call: { tool: 'run_command', input: { command: 'echo one' }, save: 'one' } },
    { delay_ms: 0, call: { tool: 'run_command', input: { command: 'test -e go && echo two || sleep 60' } } },
    { delay_ms: 0, say: 'After {{one}}.' },
  ]);
  loop = await LoopProcess.start(desk, agent);
  await loop.waitFor('activity', (event) => event.activity === 'tool', {
    from: loop.events.indexOf(await loop.waitFor('tool-result')),
  });
  loop.child.kill('SIGKILL');
  await loop.exited;
  desk.write('workspace/go', '');
  loop = await LoopProcess.start(desk, agent, { note: 'You were restarted.' });
  await loop.turnEnd();
  expect(loop.of('tool-call').map((event) => event.input)).toEqual([
    { command: 'test -e go && echo two || sleep 60' },
  ]);
  expect(loop.of('message').at(-1)?.text).toBe('After one.');
  expect(desk.entries().at(-1)?.type).toBe('turn');
});

test('placeholders look into results, text that holds JSON, and lists', () => {
  const results = new Map<string, unknown>([
    [
      'inbox',
      {
        messages: [
          { id: 'a', from: 'agent:x' },
          { id: 'b', from: 'agent:y.z' },
        ],
      },
    ],
    ['text', '{"n": 3}'],
  ]);
  expect(fill('{{inbox.messages[from=agent:y.z].id}}', results)).toBe('b');
  expect(fill({ ids: ['{{inbox.messages.0.id}}'], n: '{{text.n}}' }, results)).toEqual({ ids: ['a'], n: 3 });
  expect(fill('{{ inbox.messages.-1.id }}!', results)).toBe('b!');
  expect(() => fill('{{inbox.messages.7.id}}', results)).toThrow(MissingValue);
  expect(() => fill('{{other}}', results)).toThrow('there is no other');
  expect(lookUp({ a: null }, 'a')).toBe(null);
  expect(lookUp({ a: {} }, 'a.__proto__')).toBe(undefined);
});
