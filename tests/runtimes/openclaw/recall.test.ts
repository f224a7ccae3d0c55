/**
 * What is remembered, from the driver's answer to the prompt: the driver's side by itself, then the plugin in a process of
 * its own, over the channel that a gateway has.
 */
import { fork } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { ObservedEvent, PluginNotice } from '../../../src/runtimes/openclaw/driver/driver-protocol.ts';
import { Recall } from '../../../src/runtimes/openclaw/driver/recall.ts';

const OWN = 'agent:main:aether-r_1';

function recall(wait_ms = 60_000) {
  const asked: Extract<ObservedEvent, { kind: 'recall-asked' }>[] = [];
  const answers: [string, string | null][] = [];
  const made = new Recall(OWN, {
    emit: (event) => event.kind === 'recall-asked' && asked.push(event),
    answer: (id, text) => answers.push([id, text]),
    wait_ms,
  });
  const prompt = (id: string, text: string, key: string | null = OWN) => made.prompt(id, key, text);
  const tell = (text: string | null) => made.recalled(asked.at(-1)!.requestId, text);
  return { made, asked, answers, prompt, tell };
}

test('the first prompt waits for what is remembered, and each later one has it', () => {
  const { asked, answers, prompt, tell } = recall();
  prompt('1', '[Sat 2026-11-28 06:20 UTC] where is the key');
  expect(answers).toEqual([]);
  expect(asked).toMatchObject([{ at: 'start', words: 'where is the key' }]);
  tell('under the pot');
  prompt('2', 'and the lamp');
  expect(answers).toEqual([
    ['1', 'under the pot'],
    ['2', 'under the pot'],
  ]);
  // The host is told what was said, and is not waited for.
  expect(asked[1]).toMatchObject({ at: 'later', words: 'and the lamp' });
});

test('after a summary it is asked anew; where nothing else is known, what was given stays', () => {
  const { made, asked, answers, prompt, tell } = recall();
  prompt('1', 'go');
  tell('OLD');
  made.compacted('agent:main:subagent:x');
  prompt('2', 'on');
  expect(asked[1]?.at).toBe('later');
  made.compacted(OWN);
  prompt('3', 'on');
  expect(asked[2]?.at).toBe('compaction');
  tell('NEW');
  made.compacted(OWN);
  prompt('4', 'on');
  tell(null);
  expect(answers.map(([, text]) => text)).toEqual(['OLD', 'OLD', 'NEW', 'NEW']);
});

test('a subagent is given nothing, and its prompt is not the beginning', () => {
  const { asked, answers, prompt } = recall();
  prompt('1', 'look it up', 'agent:main:subagent:x');
  expect([asked, answers]).toEqual([[], [['1', null]]]);
  prompt('2', 'go');
  expect(asked).toMatchObject([{ at: 'start' }]);
});

test('a host that is dead is waited for once, and what it says too late is nothing', async () => {
  const { answers, prompt, tell, asked } = recall(1);
  prompt('1', 'go');
  await expect.poll(() => answers).toEqual([['1', null]]);
  const late = asked[0]!.requestId;
  prompt('2', 'go on');
  expect([asked[1]?.at, late === asked[1]?.requestId]).toEqual(['later', false]);
  tell('too late');
  expect(answers).toEqual([
    ['1', null],
    ['2', null],
  ]);
});

test('the plugin adds it before the prompt, beside the role, and says which conversation was summarised', async () => {
  const dir = fs.mkdtempSync(join(tmpdir(), 'aether-recall-'));
  const driver = join(import.meta.dirname, '../../../src/runtimes/openclaw/driver');
  const file = join(dir, 'gateway.ts');
  // As OpenClaw calls its hooks.
  fs.writeFileSync(
    file,
    `import gate, { followDriver } from ${JSON.stringify(join(driver, 'gate-plugin.ts'))};
const hooks = new Map();
followDriver(() => {});
gate.register({ pluginConfig: { role: 'a pilot' }, on: (name, handler) => hooks.set(name, handler) });
process.on('message', async ({ hook, event }) => {
  if (hook === undefined) return;
  const result = await hooks.get(hook)(event, { sessionKey: '${OWN}' });
  process.send({ type: 'result-of', result });
});
`,
  );
  const child = fork(file, { execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  onTestFinished(async () => {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
    fs.rmSync(dir, { recursive: true, force: true });
  });
  const told: (PluginNotice | { type: 'result-of'; result: unknown })[] = [];
  let memories: string | null = '<memories>';
  child.on('message', (notice: (typeof told)[number]) => {
    told.push(notice);
    if (notice.type === 'prompt') child.send({ type: 'context', id: notice.id, text: memories });
  });
  const results = () => told.flatMap((notice) => (notice.type === 'result-of' ? [notice.result] : []));
  await expect.poll(() => told.some(({ type }) => type === 'gate'), { timeout: 10_000 }).toBe(true);
  child.send({ hook: 'before_prompt_build', event: { prompt: 'where is it' } });
  await expect.poll(results).toEqual([{ appendSystemContext: 'a pilot', prependContext: '<memories>' }]);
  expect(told).toContainEqual(expect.objectContaining({ sessionKey: OWN, prompt: 'where is it' }));
  memories = null;
  child.send({ hook: 'before_prompt_build', event: { prompt: 'and now' } });
  await expect.poll(() => results()[1]).toEqual({ appendSystemContext: 'a pilot' });
  for (const compactedCount of [0, 3]) child.send({ hook: 'after_compaction', event: { compactedCount } });
  await expect.poll(() => told.filter(({ type }) => type === 'result-of').length).toBe(4);
  expect(told.filter(({ type }) => type === 'compacted')).toEqual([{ type: 'compacted', sessionKey: OWN }]);
});
