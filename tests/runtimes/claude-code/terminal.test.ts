/** The real program's own terminal while a human holds it, and what its transcript tells meanwhile. */
import fs from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { movePath, transcriptPath } from '../../../src/runtimes/claude-code/paths.ts';
import { transcriptTail } from '../../../src/runtimes/claude-code/tail.ts';
import type { AgentSpec } from '../../../src/runtimes/runtime.ts';
import { type DrivenEngine, Observed, TerminalProcess, writeFiles } from '../../support/drive.ts';
import { eventually } from '../../support/eventually.ts';
import { useClaude } from './desk.ts';

const bench = useClaude();
const SIZE = { cols: 120, rows: 40 };

async function terminal(observed: Observed, overrides: Partial<AgentSpec> = {}): Promise<TerminalProcess> {
  const { runtime, desk } = bench;
  const agent = bench.agent(overrides);
  const spec = await runtime.terminal!(agent, desk.place, observed.state, SIZE);
  const opened = new TerminalProcess(spec, observed, runtime.tail!(agent, desk.place, observed.state));
  bench.onEnd(() => opened.stop());
  await opened.shows(
    agent.permissions.mode === 'allow' ? 'bypass permissions on' : bench.subject.terminalReady,
  );
  return opened;
}

async function talkedTo(): Promise<DrivenEngine> {
  const engine = await bench.start({ goal: '[[say hello]]' });
  await bench.ended(engine);
  await engine.stop();
  return engine;
}

it('asks the human in front of it, and shows no dialog of a first start', async () => {
  const { observed } = await talkedTo();
  const held = await terminal(observed);
  const from = observed.events.length;
  await held.type(`${bench.shellWriting('by-hand')} [[say it ran]]`);
  await held.shows('Do you want to proceed?');
  expect(bench.written('by-hand')).toBe(false);
  await held.pressUntil('\r', () => bench.written('by-hand'));
  await observed.waitFor('tool-result', (r) => !r.isError, { from });
  await observed.waitFor('message', (m) => m.text === 'it ran', { from });
  expect(bench.written('by-hand')).toBe(true);
  await observed.waitFor('activity', (a) => a.activity === 'tool' && a.tool === 'Bash', { from });
  await observed.waitFor('activity', (a) => a.activity === 'idle', { from });
});

it('asks nobody where everything is allowed, not even whether that is wanted', async () => {
  const { observed } = await talkedTo();
  const held = await terminal(observed, { permissions: { mode: 'allow', allow: [], deny: [] } });
  await held.type(`${bench.shellWriting('unasked')} [[say it ran]]`);
  await observed.waitFor('message', (m) => m.text === 'it ran');
  expect(bench.written('unasked')).toBe(true);
});

it('tells turns that were cancelled or failed, and a shell line typed by the human', async () => {
  const { observed } = await talkedTo();
  const held = await terminal(observed);
  let from = observed.events.length;
  await held.type('[[slow 20 one two three]] [[hang escaped]]');
  await bench.subject.modelSaw('[[hang escaped]]');
  await held.shows('one two three');
  held.press('\u001b');
  expect((await observed.waitFor('turn-ended', () => true, { from })).outcome).toBe('interrupted');
  from = observed.events.length;
  await held.type('[[error 400]]');
  const failed = await observed.waitFor('turn-ended', () => true, { from, deadline_ms: 30_000 });
  expect(failed).toMatchObject({ outcome: 'failed', text: expect.stringContaining('400') });
  from = observed.events.length;
  await held.type('!echo by-shell');
  await observed.waitFor('message', (m) => m.role === 'user' && m.text === '!echo by-shell', { from });
});

it('counts each token once across both ways of working', async () => {
  const { observed } = await talkedTo();
  const held = await terminal(observed);
  const from = observed.events.length;
  await held.type(
    `[[think hm]] [[say thought]] [[call ${bench.subject.echoTool} {"text":"x"}]] [[say typed]]`,
  );
  await observed.waitFor('turn-ended', () => true, { from });
  await held.stop();
  const spec = await bench.runtime.prepare(bench.agent(), bench.desk.place, observed.state, {
    note: '[[say back]]',
  });
  const engine = bench.run(spec, observed);
  await observed.waitFor('message', (m) => m.text === 'back', { from });
  await engine.observed.waitFor('usage', (u) => u.cost_usd !== null, { from });
  const mine = bench.subject.model.requests.filter(
    (r) => r.headers['x-claude-code-session-id'] === observed.state.session,
  );
  const asked = mine.map((r) =>
    Math.ceil(JSON.stringify((r.body as { messages: unknown }).messages).length / 4),
  );
  const counted = observed.events.flatMap((e) => (e.kind === 'usage' ? [e.input_tokens] : []));
  expect(counted.reduce((a, b) => a + b)).toBe(asked.reduce((a, b) => a + b));
});

it('can be taken before the first word, and what is said there is the conversation', async () => {
  const observed = new Observed(bench.runtime);
  const held = await terminal(observed);
  await held.type('FIRST-WORDS [[say welcome]]');
  await observed.waitFor('turn-ended');
  expect(observed.state.session).toBeTruthy();
  await held.stop();
  const spec = await bench.runtime.prepare(bench.agent(), bench.desk.place, observed.state, {
    note: '[[say on we go]]',
  });
  bench.run(spec, observed);
  await observed.waitFor('message', (m) => m.text === 'on we go');
  expect(bench.subject.lastRequest()).toContain('FIRST-WORDS');
});

it('follows the human into another conversation', async () => {
  const { observed } = await talkedTo();
  const held = await terminal(observed);
  const { session } = observed.state;
  await held.type('/clear');
  const moved = await eventually('the terminal says where it went', () => {
    const { path } = bench.runtime.tail!(bench.agent(), bench.desk.place, observed.state)!;
    return path.includes(session!) ? null : path;
  });
  await held.type('AFTER-CLEARING [[say cleared]]');
  await bench.subject.modelSaw('AFTER-CLEARING');
  await eventually(
    'it is written down',
    () => fs.existsSync(moved) && fs.readFileSync(moved, 'utf8').includes('cleared'),
  );
  await held.stop();
  const spec = await bench.runtime.prepare(bench.agent(), bench.desk.place, observed.state, {
    note: '[[say after the clearing]]',
  });
  bench.run(spec, observed);
  await observed.waitFor('message', (m) => m.text === 'after the clearing');
  expect(bench.subject.lastRequest()).toContain('AFTER-CLEARING');
  expect(observed.state.session).not.toBe(session);
});

it('comes back with the human who comes back', async () => {
  const { runtime, desk } = bench;
  const [first, second] = [crypto.randomUUID(), crypto.randomUUID()];
  const resumed = async (session: string) => {
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
  expect(await resumed(first)).toBe(first);
  goes(first, second);
  expect(await resumed(first)).toBe(second);
  goes(second, first);
  expect(await resumed(second)).toBe(first);
  expect(await resumed(first)).toBe(first);
  for (const nonsense of ['../../../etc/passwd', crypto.randomUUID()]) {
    goes(first, nonsense);
    expect(await resumed(first)).toBe(first);
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

it('leaves nothing but its files: the conversation survives a kill in mid-tool', async () => {
  const { observed } = await talkedTo();
  const held = await terminal(observed);
  await held.type(bench.shellWriting('never'));
  await held.shows('Do you want to proceed?');
  await held.stop();
  const path = bench.runtime.tail!(bench.agent(), bench.desk.place, observed.state)!.path;
  expect(fs.readFileSync(path, 'utf8')).toContain('tool_use');
  const spec = await bench.runtime.prepare(bench.agent(), bench.desk.place, observed.state, {
    note: '[[say repaired]]',
  });
  bench.run(spec, observed);
  await observed.waitFor('message', (m) => m.text === 'repaired');
  expect(bench.written('never')).toBe(false);
});
