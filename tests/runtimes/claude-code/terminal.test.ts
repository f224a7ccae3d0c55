/** The real program's own terminal while a human holds it, and what its transcript tells meanwhile. */
import fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { movePath, transcriptPath } from '../../../src/runtimes/claude-code/paths.ts';
import { transcriptTail } from '../../../src/runtimes/claude-code/tail.ts';
import type { AgentSpec } from '../../../src/runtimes/runtime.ts';
import { ALLOW } from '../../conformance/runtime-bench.ts';
import { type Desk, Observed, TerminalProcess, writeFiles } from '../../support/drive.ts';
import { eventually } from '../../support/eventually.ts';
import { useClaude } from './desk.ts';

const bench = useClaude();
const SIZE = { cols: 120, rows: 40 };

/**
 * One conversation, begun in a terminal that stays open from test to test, and where it is. What one of them does to it
 * (a cancelled turn, a shell line) the next one goes on from, as a person would.
 */
let conversation: { observed: Observed; desk: Desk } | null = null;
let open: TerminalProcess | null = null;
afterAll(() => open?.stop());

async function terminal(observed: Observed, overrides: Partial<AgentSpec> = {}): Promise<TerminalProcess> {
  const { runtime, desk } = bench;
  const agent = bench.agent(overrides);
  const spec = await runtime.terminal!(agent, desk.place, observed.state, SIZE);
  const opened = new TerminalProcess(spec, observed, runtime.tail!(agent, desk.place, observed.state));
  await opened
    .shows(agent.permissions.mode === 'allow' ? 'bypass permissions on' : bench.subject.terminalReady)
    .catch(async (error: unknown) => {
      await opened.stop();
      throw error;
    });
  return opened;
}

/** What is observed of the conversation, at whose desk the test sits from now on. */
function resumed(): Observed {
  conversation ??= { observed: new Observed(bench.runtime), desk: bench.desk };
  bench.sitAt(conversation.desk);
  return conversation.observed;
}

/** The conversation in its terminal, which is opened unless it is. */
async function held(): Promise<{ held: TerminalProcess; observed: Observed; from: number }> {
  const observed = resumed();
  open ??= await terminal(observed);
  return { held: open, observed, from: observed.events.length };
}

async function close(): Promise<void> {
  await open?.stop();
  open = null;
}

/** The terminal is closed, and an engine goes on with the conversation and ends. */
async function engineGoesOn(note: string, until: (observed: Observed) => Promise<unknown>): Promise<void> {
  await close();
  const observed = resumed();
  const spec = await bench.runtime.prepare(bench.agent(), bench.desk.place, observed.state, { note });
  const engine = bench.run(spec, observed);
  await until(observed);
  await engine.stop();
}

it('can be taken before the first word, and asks the human in front of it, with no dialog of a first start', async () => {
  const { held: opened, observed, from } = await held();
  await opened.type(`FIRST-WORDS ${bench.shellWriting('by-hand')} [[say it ran]]`);
  await opened.shows('Do you want to proceed?');
  expect(bench.written('by-hand')).toBe(false);
  await opened.pressUntil('\r', () => bench.written('by-hand'));
  await observed.waitFor('tool-result', (r) => !r.isError, { from });
  await observed.waitFor('message', (m) => m.text === 'it ran', { from });
  expect(observed.state.session).toBeTruthy();
  await observed.waitFor('activity', (a) => a.activity === 'tool' && a.tool === 'Bash', { from });
  await observed.waitFor('activity', (a) => a.activity === 'idle', { from });
});

it('what is said there is the conversation, and each token is counted once across both ways of working', async () => {
  const { held: opened, observed, from } = await held();
  await opened.type(
    `[[think hm]] [[say thought]] [[call ${bench.subject.echoTool} {"text":"x"}]] [[say typed]]`,
  );
  await observed.waitFor('message', (m) => m.text === 'typed', { from });
  const said = observed.indexOf('message', (m) => m.text === 'typed');
  await observed.waitFor('turn-ended', () => true, { from: said });
  await engineGoesOn('[[say back]]', async () => {
    await observed.waitFor('message', (m) => m.text === 'back', { from });
    await observed.waitFor('usage', (u) => u.cost_usd !== null, { from });
  });
  expect(bench.subject.lastRequest()).toContain('FIRST-WORDS');
  // Of all of the conversation so far.
  const mine = bench.subject.model.requests.filter(
    (r) => r.headers['x-claude-code-session-id'] === observed.state.session,
  );
  const asked = mine.map((r) =>
    Math.ceil(JSON.stringify((r.body as { messages: unknown }).messages).length / 4),
  );
  const counted = observed.events.flatMap((e) => (e.kind === 'usage' ? [e.input_tokens] : []));
  expect(counted.reduce((a, b) => a + b)).toBe(asked.reduce((a, b) => a + b));
});

it('tells turns that were cancelled or failed, and a shell line typed by the human', async () => {
  const { held: opened, observed, from } = await held();
  // A turn without any answer so far is taken back into the input line, and the transcript does not tell.
  await opened.type(`[[call ${bench.subject.echoTool} {"text":"begun"}]] [[hang escaped]]`);
  await observed.waitFor('tool-result', (result) => result.text.includes('begun'), { from });
  await observed.waitFor('activity', (a) => a.activity === 'thinking', { from });
  opened.press('\u001b');
  expect((await observed.waitFor('turn-ended', () => true, { from })).outcome).toBe('interrupted');
  const second = observed.events.length;
  await opened.type('[[error 400]]');
  const failed = await observed.waitFor('turn-ended', () => true, { from: second, deadline_ms: 30_000 });
  expect(failed).toMatchObject({ outcome: 'failed', text: expect.stringContaining('400') });
  const third = observed.events.length;
  await opened.type('!echo by-shell');
  await observed.waitFor('message', (m) => m.role === 'user' && m.text === '!echo by-shell', { from: third });
});

it('leaves nothing but its files: the conversation survives a kill in mid-tool', async () => {
  const { held: opened, observed, from } = await held();
  await opened.type(bench.shellWriting('never'));
  await opened.shows('Do you want to proceed?');
  await close();
  const path = bench.runtime.tail!(bench.agent(), bench.desk.place, observed.state)!.path;
  expect(fs.readFileSync(path, 'utf8').trimEnd().split('\n').slice(-10).join()).toContain('tool_use');
  await engineGoesOn('[[say repaired]]', () =>
    observed.waitFor('message', (m) => m.text === 'repaired', { from }),
  );
  expect(bench.written('never')).toBe(false);
});

it('asks nobody where everything is allowed, not even whether that is wanted', async () => {
  await close();
  const observed = resumed();
  open = await terminal(observed, { permissions: ALLOW });
  const from = observed.events.length;
  await open.type(`${bench.shellWriting('unasked')} [[say it ran unasked]]`);
  await observed.waitFor('message', (m) => m.text === 'it ran unasked', { from });
  expect(bench.written('unasked')).toBe(true);
});

it('follows the human into another conversation', async () => {
  const { held: opened, observed, from } = await held();
  const { session } = observed.state;
  await opened.type('/clear');
  const moved = await eventually('the terminal says where it went', () => {
    const { path } = bench.runtime.tail!(bench.agent(), bench.desk.place, observed.state)!;
    return path.includes(session!) ? null : path;
  });
  await opened.type('AFTER-CLEARING [[say cleared]]');
  await bench.subject.modelSaw('AFTER-CLEARING');
  await eventually(
    'it is written down',
    () => fs.existsSync(moved) && fs.readFileSync(moved, 'utf8').includes('cleared'),
  );
  await engineGoesOn('[[say after the clearing]]', () =>
    observed.waitFor('message', (m) => m.text === 'after the clearing', { from }),
  );
  expect(bench.subject.lastRequest()).toContain('AFTER-CLEARING');
  expect(observed.state.session).not.toBe(session);
});

it('comes back with the human who comes back', async () => {
  const { runtime, desk } = bench;
  const [first, second] = [crypto.randomUUID(), crypto.randomUUID()];
  const started = async (session: string) => {
    const spec = await runtime.prepare(bench.agent(), desk.place, { session }, { note: '' });
    writeFiles(spec);
    return spec.process.argv[spec.process.argv.indexOf('--resume') + 1];
  };
  const goes = (from: string, to: string) =>
    fs.writeFileSync(movePath(desk.place, from), JSON.stringify({ session_id: to, source: 'resume' }));
  for (const session of [first, second]) {
    const path = transcriptPath(desk.place, session);
    fs.mkdirSync(join(path, '..'), { recursive: true });
    fs.writeFileSync(path, '');
  }
  expect(await started(first)).toBe(first);
  goes(first, second);
  expect(await started(first)).toBe(second);
  goes(second, first);
  expect(await started(second)).toBe(first);
  expect(await started(first)).toBe(first);
  for (const nonsense of ['../../../etc/passwd', crypto.randomUUID()]) {
    goes(first, nonsense);
    expect(await started(first)).toBe(first);
  }
});

it('reads a transcript that is foreign or torn without harm', () => {
  const { line } = transcriptTail('/nowhere');
  const state = bench.runtime.observer.initial('s');
  const bad = [
    '',
    '{',
    'null',
    '[]',
    '{"type":"user"}',
    '{"type":"assistant"}',
    '{"type":"assistant","message":7}',
  ];
  bad.push(
    '{"type":"user","message":{"content":[null,7,{"type":"text"}]}}',
    '{"type":"new-thing","message":{}}',
  );
  for (const text of bad) {
    const result = line(Object.freeze(state), text);
    expect(result.events.filter((event) => event.kind !== 'note')).toEqual([]);
  }
});
