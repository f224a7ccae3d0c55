/** The structured channel of the real program, beyond what every engine must do. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { messageFrame } from '../../../src/runtimes/claude-code/frames.ts';
import { Observed } from '../../support/drive.ts';
import { eventually } from '../../support/eventually.ts';
import { resultsIn, saidIn } from '../../support/model-server/server.ts';
import { useClaude } from './desk.ts';

const bench = useClaude();

it('takes a message that is sent twice once, in one process and after a crash', async () => {
  const engine = await bench.work(null);
  const id = 'm-sent-twice';
  engine.say('COUNT-ME [[say counted]]', 'next', id);
  await bench.ended(engine);
  engine.say('COUNT-ME [[say counted]]', 'next', id);
  engine.say('[[say after]]');
  await engine.observed.waitFor('message', (m) => m.text === 'after');
  await engine.kill();
  const spec = await bench.runtime.prepare(bench.agent(), bench.desk.place, engine.observed.state, {
    note: '',
  });
  const again = bench.run(spec, new Observed(bench.runtime, engine.observed.state));
  again.say('COUNT-ME [[say counted]]', 'next', id);
  again.say('[[say the end]]');
  await again.observed.waitFor('message', (m) => m.text === 'the end');
  expect(saidIn(bench.subject.model.requests.at(-1)!).split('COUNT-ME')).toHaveLength(2);
  // Known to be in the conversation, though this process has not sent it to the model by itself.
  expect(again.observed.find('inject', (e) => e.injectId === id)?.stage).toBe('seen');
});

it('tells the goal once however often a run is prepared', async () => {
  const agent = bench.agent({ goal: 'THE-GOAL [[say begun]]' });
  const first = bench.run(await bench.runtime.prepare(agent, bench.desk.place, null, null));
  await bench.ended(first);
  await first.kill();
  const spec = await bench.runtime.prepare(agent, bench.desk.place, null, null);
  const second = bench.run(spec);
  second.say('[[say go on]]');
  await second.observed.waitFor('message', (m) => m.text === 'go on');
  expect(saidIn(bench.subject.model.requests.at(-1)!).split('THE-GOAL')).toHaveLength(2);
});

it('reads text that looks like a command as text', async () => {
  const engine = await bench.work('/clear');
  await bench.ended(engine);
  await bench.subject.modelSaw('/clear');
  const { session } = engine.observed.state;
  engine.say('!touch bang [[say not a shell]]');
  await engine.observed.waitFor('message', (m) => m.text === 'not a shell');
  expect(engine.observed.state.session).toBe(session);
  expect(bench.written('bang')).toBe(false);
});

it('keeps what was queued when a turn is interrupted, and a `now` message needs no turn', async () => {
  const engine = await bench.work('[[hang queued]]');
  await bench.subject.modelSaw('[[hang queued]]');
  const queued = engine.say('[[say from the queue]]', 'later');
  await engine.observed.waitFor('inject', (e) => e.injectId === queued && e.stage === 'delivered');
  engine.write(bench.runtime.interrupt!('i-1'));
  await engine.observed.waitFor('message', (m) => m.text === 'from the queue');
  await engine.observed.waitFor('activity', (a) => a.activity === 'idle');
  const now = engine.say('[[say at once]]', 'now');
  await engine.observed.waitFor('inject', (e) => e.injectId === now && e.stage === 'acted');
  const outcomes = engine.observed.events.flatMap((e) => (e.kind === 'turn-ended' ? [e.outcome] : []));
  expect(outcomes).toEqual(['interrupted', 'done', 'done']);
});

it('says that its first message is lost when it is interrupted before a model has it, and reads it under another id', async () => {
  const engine = await bench.start({ goal: null });
  engine.remembers = false;
  const id = engine.say('CUT-SHORT [[say read]]');
  await engine.observed.waitFor('recall-asked', ({ words }) => words?.includes('CUT-SHORT') === true);
  expect(engine.observed.find('inject', (e) => e.injectId === id && e.stage === 'taken')).toBeDefined();
  engine.write(bench.runtime.interrupt!('c-1'));
  await engine.observed.waitFor('inject', (e) => e.injectId === id && e.stage === 'dropped');
  expect((await bench.ended(engine)).outcome).toBe('interrupted');
  engine.remembers = true;
  engine.say('CUT-SHORT [[say read]]', 'next', `${id}~1`);
  await engine.observed.waitFor('inject', (e) => e.injectId === `${id}~1` && e.stage === 'acted');
  expect(bench.subject.lastRequest().split('CUT-SHORT')).toHaveLength(2);
  expect(engine.observed.find('inject', (e) => e.injectId === id && e.stage === 'seen')).toBeUndefined();
});

it('loses none of the later ones, wherever an interrupt meets them', async () => {
  const engine = await bench.work('[[say first]]');
  await bench.ended(engine);
  const ids = Array.from({ length: 12 }, (_, n) => `cut-${n}`);
  for (const [n, id] of ids.entries()) {
    const { data } = bench.runtime.message({ id, text: `${id}; [[say again]]`, priority: 'next' });
    // Together, so that the engine reads the interrupt while it takes the message up; or once it says that it has.
    if (n % 2 === 0) engine.write({ id, data: data + bench.runtime.interrupt!(`i-${n}`).data });
    else {
      engine.write({ id, data });
      await engine.observed.waitFor('inject', (e) => e.injectId === id && e.stage === 'taken');
      engine.write(bench.runtime.interrupt!(`i-${n}`));
    }
    await engine.observed.waitFor('inject', (e) => e.injectId === id && e.stage === 'seen');
  }
  engine.say('[[say after]]');
  await engine.observed.waitFor('message', (m) => m.text === 'after');
  const said = bench.subject.lastRequest();
  for (const id of ids) expect(said.split(`${id};`)).toHaveLength(2);
  expect(engine.observed.find('inject', (e) => e.stage === 'dropped')).toBeUndefined();
});

it('is seen before a slow model has said a word', async () => {
  const engine = await bench.work(null);
  const id = engine.say('[[wait 60000]]');
  await engine.observed.waitFor('inject', (e) => e.injectId === id && e.stage === 'seen');
  const request = await bench.subject.model.waitFor((r) => saidIn(r).includes('[[wait 60000]]'));
  expect(request.outcome).toBe('open');
  engine.write(bench.runtime.interrupt!('w-1'));
  await bench.ended(engine);
});

it('follows patterns: `Bash(touch *)` allowed, `Bash(rm *)` denied even where all is allowed', async () => {
  const ws = bench.desk.workspace;
  const allowed = await bench.start({
    goal: bench.subject.shell(`touch ${join(ws, 'patterned')}`),
    permissions: { mode: 'deny', allow: ['Bash(touch *)'], deny: [] },
  });
  await bench.ended(allowed);
  await allowed.stop();
  expect(bench.written('patterned')).toBe(true);
  bench.desk.place.run = 'r_denied';
  const denied = await bench.start({
    goal: '[[say new]]',
    permissions: { mode: 'allow', allow: [], deny: ['Bash(rm *)'] },
  });
  await bench.ended(denied);
  denied.say(bench.subject.shell(`rm -f ${join(ws, 'patterned')}`));
  expect((await denied.observed.waitFor('tool-result')).isError).toBe(true);
  expect(bench.written('patterned')).toBe(true);
});

it('adds usage up to what the model was asked', async () => {
  const earlier = bench.subject.model.requests.length;
  const engine = await bench.work(`[[call ${bench.subject.echoTool} {"text":"x"}]] [[say one]]`);
  await bench.ended(engine);
  const from = engine.observed.events.length;
  engine.say('[[slow 20 a b c]] [[hang usage]]');
  // What a request costs is known once its answer has begun.
  await eventually('the answer begins', () =>
    engine.observed.lines.some((line) => line.includes('"text":"c"')),
  );
  engine.write(bench.runtime.interrupt!('u-1'));
  await bench.ended(engine, from);
  const usage = engine.observed.events.flatMap((e) => (e.kind === 'usage' ? [e] : []));
  const mine = bench.subject.model.requests
    .slice(earlier)
    .filter((r) => r.headers['x-claude-code-session-id'] === engine.observed.state.session);
  expect(mine).toHaveLength(3);
  const asked = mine.map((r) =>
    Math.ceil(JSON.stringify((r.body as { messages: unknown }).messages).length / 4),
  );
  expect(usage.reduce((sum, u) => sum + u.input_tokens, 0)).toBe(asked.reduce((a, b) => a + b));
  for (const one of usage) expect(one.cost_usd).toBeGreaterThan(0);
  expect(new Set(usage.map((u) => u.key)).size).toBe(usage.length);
});

it('reports rate limits, and servers that do not start', async () => {
  bench.desk.place.mcp.command = '/nonexistent/bridge';
  const engine = await bench.start({ goal: `${bench.desk.place.run} [[error 429 1]] [[say served]]` });
  await engine.observed.waitFor('activity', (a) => a.activity === 'rate-limited');
  expect((await bench.ended(engine)).outcome).toBe('done');
  expect(engine.observed.find('mcp-status')?.servers).toEqual([{ name: 'aether', status: 'failed' }]);
});

it('reports parallel calls and failing tools each for itself', async () => {
  const engine = await bench.work(
    `[[call ${bench.subject.echoTool} {"text":"1"}]] [[and mcp__aether__aether_fail {}]] [[say both]]`,
  );
  await bench.ended(engine);
  const results = engine.observed.events.flatMap((e) => (e.kind === 'tool-result' ? [e] : []));
  expect(results.map((r) => [r.text, r.isError])).toEqual([
    ['echo: 1', false],
    ['failed on purpose', true],
  ]);
  expect(resultsIn(bench.subject.model.requests.at(-1)!).slice(-2)).toEqual(['echo: 1', 'failed on purpose']);
});

it('withdraws what a killed process had asked, once its successor answers', async () => {
  const engine = await bench.work(bench.shellWriting('asked'));
  const { requestId } = await engine.observed.waitFor('permission-asked');
  await engine.kill();
  const spec = await bench.runtime.prepare(bench.agent(), bench.desk.place, engine.observed.state, {
    note: '',
  });
  bench.run(spec, engine.observed);
  expect(await engine.observed.waitFor('permission-withdrawn')).toEqual({
    kind: 'permission-withdrawn',
    requestId,
  });
  expect(bench.written('asked')).toBe(false);
});

it('writes frames of whole lines', () => {
  for (const priority of ['now', 'next', 'later'] as const) {
    const { id, data } = messageFrame('m-1', 'two\nlines \u2028 and "quotes"', priority);
    expect(id).toBe('m-1');
    const lines = data
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toHaveLength(priority === 'now' ? 2 : 1);
    expect(lines.at(-1)).toMatchObject({
      uuid: 'm-1',
      priority,
      message: { content: 'two\nlines \u2028 and "quotes"' },
    });
  }
});
