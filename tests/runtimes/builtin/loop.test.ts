/** The loop as a process against the scripted model: turns, tools, receipts, interrupts, kills. */
import { appendFileSync, existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { isAlive } from '../../../src/runtimes/builtin/loop/process-identity.ts';
import type { AgentSpec } from '../../../src/runtimes/runtime.ts';
import { eventually } from '../../support/eventually.ts';
import { type ModelServer, resultsIn, saidIn, startModelServer } from '../../support/model-server/server.ts';
import { LoopDesk, LoopProcess, runtime } from './loop-process.ts';

let server: ModelServer;
let desk: LoopDesk;
let loop: LoopProcess;
/** One that may do anything: it works for one test after the other, in one conversation. */
let common: { desk: LoopDesk; loop: LoopProcess } | null = null;
const desks: LoopDesk[] = [];

beforeAll(async () => {
  server = await startModelServer();
});
afterAll(async () => {
  await common?.loop.stop();
  for (const each of desks) each.remove();
  await server.close();
});
beforeEach(() => {
  desk = new LoopDesk();
  desks.push(desk);
});
afterEach(async () => {
  const idle = () => loop.of('activity').at(-1)?.activity === 'idle';
  if (loop === common?.loop && loop.running && (await eventually('idle', idle).catch(() => false))) return;
  await loop?.stop();
  if (loop === common?.loop) common = null;
});

const KEY = 'sk-ant-a-key-nobody-may-see';

function agent(overrides: Partial<AgentSpec> = {}): AgentSpec {
  return desk.loopAgent({
    env: { ANTHROPIC_BASE_URL: server.url },
    auth: { ANTHROPIC_API_KEY: KEY },
    ...overrides,
  });
}

async function start(goal: string | null, overrides: Partial<AgentSpec> = {}): Promise<LoopProcess> {
  loop = await LoopProcess.start(desk, agent({ goal, ...overrides }));
  return loop;
}

/** The common loop is told this; what is observed is of this test alone. null: nothing. */
async function told(goal: string | null): Promise<LoopProcess> {
  if (common === null) {
    common = { desk, loop: await LoopProcess.start(desk, agent()) };
    await common.loop.waitFor('ready');
  }
  ({ desk, loop } = common);
  loop.observeAnew();
  if (goal !== null) loop.say(goal);
  return loop;
}

/** Another process goes on with the common conversation. */
async function again(note: string): Promise<LoopProcess> {
  loop = await LoopProcess.start(desk, agent(), { note });
  common = { desk, loop };
  return loop;
}

/** Ends with a wait for the running tool. */
function toolRunning(tool = 'run_command', from = 0) {
  return loop.waitFor('activity', (event) => event.activity === 'tool' && event.tool === tool, { from });
}

function call(tool: string, input: unknown): string {
  return `[[call ${tool} ${JSON.stringify(input)}]]`;
}

test('a turn with local tools and a tool of the MCP server, as events in order', async () => {
  await start(
    [
      call('write_file', { path: 'a/note.txt', content: 'hello' }),
      call('read_file', { path: 'a/note.txt' }),
      call('list_files', { depth: 2 }),
      call('run_command', { command: 'cat a/note.txt; exit 3' }),
      call('aether_echo', { text: '{{result}}' }),
      '[[say All done: {{result}}]]',
    ].join(''),
  );
  const end = await loop.turnEnd();
  expect(end).toEqual({ kind: 'turn-ended', outcome: 'done', text: 'All done: echo: hello\n[exit code 3]' });
  expect(loop.of('tool-result').map((event) => event.text)).toEqual([
    'Wrote 5 bytes to a/note.txt.',
    'hello',
    'a/\na/note.txt',
    'hello\n[exit code 3]',
    'echo: hello\n[exit code 3]',
  ]);
  expect(loop.of('mcp-status')).toEqual([
    { kind: 'mcp-status', servers: [{ name: 'aether', status: 'connected' }] },
  ]);
  const usage = loop.of('usage');
  expect(usage).toHaveLength(6);
  expect(usage[0]).toMatchObject({ model: 'anthropic:scripted', cost_usd: null });
  expect(usage.every((event) => event.input_tokens > 0 && event.output_tokens > 0)).toBe(true);
  expect(loop.of('session')).toEqual([{ kind: 'session', session: 'r_test' }]);
  await loop.waitFor('activity', (event) => event.activity === 'idle');
  const last = server.requests.at(-1)!;
  expect(last.conversation?.tools).toEqual(expect.arrayContaining(['read_file', 'aether_echo']));
});

test('the log-in reaches neither commands, nor the MCP server, nor any output or file', async () => {
  await told(`${call('run_command', { command: 'env' }) + call('aether_env', {})}[[say ${KEY}]]`);
  await loop.turnEnd();
  const [env, mcp] = loop.of('tool-result').map((event) => event.text);
  expect(env).toContain('HOME=');
  expect(env).not.toContain('ANTHROPIC_API_KEY');
  expect(mcp).not.toContain('ANTHROPIC_API_KEY');
  expect(loop.of('message').at(-1)?.text).toBe('***');
  expect(JSON.stringify(desk.entries())).not.toContain(KEY);
  expect(JSON.stringify(loop.child.spawnargs)).not.toContain(KEY);
  expect(readFileSync(join(desk.place.runDir, 'builtin-engine.json'), 'utf8')).not.toContain(KEY);
  const request = server.requests.at(-1)!;
  expect(request.headers['x-api-key']).toBe(KEY);
});

test('a path out of the workspace is refused, also by way of a link', async () => {
  await told(null);
  desk.write('secret.txt', 'out of bounds');
  symlinkSync(desk.root, join(desk.workspace, 'link'));
  symlinkSync(join(desk.root, 'new.txt'), join(desk.workspace, 'dangling'));
  loop.say(
    [
      call('read_file', { path: '../secret.txt' }),
      call('read_file', { path: 'link/secret.txt' }),
      call('write_file', { path: 'link/new.txt', content: 'x' }),
      call('write_file', { path: 'dangling', content: 'x' }),
      call('read_file', { path: '/etc/hostname' }),
      call('list_files', { path: '..' }),
      call('write_file', { path: `${desk.workspace}/inside.txt`, content: 'x' }),
      '[[say end]]',
    ].join(''),
  );
  await loop.turnEnd();
  const results = loop.of('tool-result');
  expect(results.slice(0, 6).every((event) => event.isError)).toBe(true);
  for (const index of [0, 1, 2, 4, 5]) expect(results[index]?.text).toContain('outside the workspace');
  expect(results[3]?.text).toContain('link to nothing');
  expect(results[6]?.isError).toBe(false);
  expect(existsSync(join(desk.root, 'new.txt'))).toBe(false);
});

test('long output is cut in the middle and says so; a command is ended when its time is over', async () => {
  await told(
    [
      call('run_command', { command: 'yes 0123456789 | head -c 3000000; echo; echo the end' }),
      call('run_command', { command: 'echo begun; sleep 300', timeout_ms: 300 }),
      '[[say end]]',
    ].join(''),
  );
  await loop.turnEnd();
  const [long, late] = loop.of('tool-result');
  expect(long!.text.length).toBeLessThan(50_000);
  expect(long!.text).toMatch(/^0123456789\n[\s\S]*characters left out[\s\S]*the end$/);
  expect(late).toMatchObject({ isError: true });
  expect(late!.text).toContain('begun');
  expect(late!.text).toContain('ended after 300 ms');
});

test('a server error and a refused connection are tried again, each try told', async () => {
  await told('[[error 529 1]][[say got through]]');
  expect((await loop.turnEnd()).text).toBe('got through');
  expect(loop.of('retrying')).toMatchObject([{ attempt: 1 }]);
  expect(loop.of('retrying')[0]?.why).toContain('529');
  expect(loop.of('activity').map((event) => event.activity)).toContain('rate-limited');
});

test('tries are bounded, whatever is wrong, and the turn then fails with a sentence', async () => {
  // Minutes of back-off are for real providers.
  const spec = await runtime.prepare(agent(), desk.place, null, null);
  const file = spec.files[0]!;
  const retry = { attempts_max: 3, delay_ms_min: 5, delay_ms_max: 10 };
  const content = JSON.stringify({ ...(JSON.parse(file.content) as object), retry });
  loop = LoopProcess.from({ ...spec, files: [{ ...file, content }] });
  for (const wrong of ['[[error 500]]', '[[malformed cut]]', '[[malformed garbage]]']) {
    loop.observeAnew();
    loop.say(wrong);
    const end = await loop.turnEnd();
    expect({ wrong, ...end }).toMatchObject({ wrong, outcome: 'failed' });
    expect(loop.of('retrying')).toHaveLength(2);
    if (wrong === '[[error 500]]') expect(end.text).toMatch(/status 500.*tried 3 times/);
    expect(loop.of('note').at(-1)).toMatchObject({ level: 'error' });
  }
  // The conversation is not spoilt by it.
  const from = loop.events.length;
  loop.say('[[say fine again]]');
  expect((await loop.turnEnd(from)).text).toBe('fine again');
});

test('a request the provider refuses for good is not tried again', async () => {
  await told('[[error 401]]');
  const end = await loop.turnEnd();
  expect(end).toMatchObject({ outcome: 'failed' });
  expect(end.text).toContain('401');
  expect(loop.of('retrying')).toEqual([]);
});

test('tool arguments that are no JSON go back to the model as an error', async () => {
  await told(`[[malformed arguments]]${call('read_file', { path: 'a' })}[[say I see: {{result}}]]`);
  const end = await loop.turnEnd();
  expect(end.outcome).toBe('done');
  expect(loop.of('tool-result')[0]).toMatchObject({ isError: true });
  expect(loop.of('tool-result')[0]?.text).toContain('could not be read');
  expect(end.text).toContain('valid JSON');
});

test('a model that keeps sending what cannot be used fails the turn with a note', async () => {
  await told(
    `${call('no_such_tool', {}) + call('read_file', { wrong: 1 }) + call('read_file', {})}[[say end]]`,
  );
  const end = await loop.turnEnd();
  expect(end.outcome).toBe('failed');
  expect(end.text).toContain('3 answers in a row');
  expect(loop.of('tool-result')[0]?.text).toMatch(/There is no tool no_such_tool\. There are: .*read_file/);
  expect(loop.of('tool-result')[1]?.text).toContain('do not fit');
});

test('the step limit ends the turn and says how to go on', async () => {
  const one = call('list_files', {});
  await start(`${one + one + one}[[say never]]`, { limits: { steps_max: 2 } });
  const end = await loop.turnEnd();
  expect(end.outcome).toBe('failed');
  expect(end.text).toContain('limit of 2 model requests');
  expect(loop.of('tool-call')).toHaveLength(2);
});

test('permissions: a question waits for its answer; rules answer by themselves', async () => {
  await start(
    [
      call('run_command', { command: 'echo one' }),
      call('run_command', { command: 'echo two' }),
      call('run_command', { command: 'echo three' }),
      call('run_command', { command: 'git --version' }),
      call('run_command', { command: 'git --version; echo sneaked > sneaked' }),
      call('run_command', { command: 'rm -rf x' }),
      '[[say end]]',
    ].join(''),
    { permissions: { mode: 'ask', allow: ['run_command(git *)'], deny: ['run_command(rm *)'] } },
  );
  const asked = async (command: string) => {
    const question = await loop.waitFor(
      'permission-asked',
      (event) => (event.input as { command: string }).command === command,
    );
    expect(loop.of('activity').at(-1)?.activity).toBe('waiting-for-operator');
    return question.requestId;
  };
  loop.permit(await asked('echo one'), true);
  loop.permit(await asked('echo two'), false, { message: 'not that one' });
  loop.permit(await asked('echo three'), true);
  loop.permit(await asked('git --version; echo sneaked > sneaked'), false);
  await loop.turnEnd();
  const results = loop.of('tool-result');
  expect(results.map((event) => event.isError)).toEqual([false, true, false, false, true, true]);
  expect(results[0]?.text).toBe('one');
  expect(results[1]?.text).toBe('not that one');
  expect(results[2]?.text).toBe('three');
  expect(results[3]?.text).toContain('git version');
  expect(results[5]?.text).toContain('permissions do not allow');
  expect(existsSync(join(desk.workspace, 'sneaked'))).toBe(false);
  expect(resultsIn(server.requests.at(-1)!).join()).toContain('not that one');

  // An interrupt while a question is open withdraws it.
  loop.observeAnew();
  loop.say(call('run_command', { command: 'true' }));
  const { requestId } = await loop.waitFor('permission-asked');
  loop.interrupt('i');
  await loop.waitFor('interrupted');
  expect(loop.of('permission-withdrawn')).toEqual([{ kind: 'permission-withdrawn', requestId }]);
  const from = loop.events.length;
  loop.permit(requestId, true);
  await loop.waitFor('note', (event) => event.text.includes('no longer waits'), { from });
});

test('an interrupt withdraws a question and ends a tool with its whole tree', async () => {
  await told(
    `${call('run_command', {
      command: `setsid sh -c 'sleep 300 & echo $! > pid2; wait' & echo $! > pid; trap "" TERM; sleep 300`,
    })}[[say never]]`,
  );
  await toolRunning();
  const pids = ['pid', 'pid2'].map((name) => join(desk.workspace, name));
  await eventually('pids', () =>
    pids.every((path) => existsSync(path) && /\d/.test(readFileSync(path, 'utf8'))),
  );
  const ids = pids.map((path) => Number(readFileSync(path, 'utf8')));
  expect(ids.every((pid) => isAlive({ pid, start_ticks: 0 }))).toBe(true);
  loop.interrupt('i1');
  await loop.waitFor('interrupted', (event) => event.requestId === 'i1');
  expect(ids.some((pid) => isAlive({ pid, start_ticks: 0 }))).toBe(false);
  expect(loop.of('turn-ended').at(-1)?.outcome).toBe('interrupted');
  expect(loop.of('tool-result').at(-1)?.text).toContain('interrupted');

  const from = loop.events.length;
  loop.interrupt('i2');
  await loop.waitFor('interrupted', (event) => event.requestId === 'i2', { from });
  loop.say('[[say and on]]');
  expect((await loop.turnEnd(from)).text).toBe('and on');
});

test('an interrupt in mid-answer keeps what was written and answers at once', async () => {
  await told(null);
  loop.say('[[say First part. ]][[hang mid]]', 'next', 'M');
  await loop.waitFor('inject', (event) => event.injectId === 'M' && event.stage === 'seen');
  loop.interrupt('i');
  const begun = Date.now();
  await loop.waitFor('interrupted');
  expect(Date.now() - begun).toBeLessThan(1_000);
  expect(loop.of('message').map((event) => event.text)).toContain('First part. ');
  await eventually('the request was dropped', () => server.requests.at(-1)?.outcome === 'aborted');
});

test('next is folded in right after the running tool, later has a turn of its own, each with its receipts', async () => {
  await told(
    `${call('run_command', { command: 'until test -e go; do sleep 0.02; done' })}[[say first turn]]`,
  );
  await toolRunning();
  loop.say('a later word', 'later', 'L');
  loop.say('a word for next', 'next', 'N');
  await loop.waitFor('inject', (event) => event.injectId === 'N' && event.stage === 'delivered');
  desk.write('workspace/go', '');
  await loop.turnEnd();
  await loop.waitFor('inject', (event) => event.injectId === 'L' && event.stage === 'acted');
  await eventually('the second turn', () => loop.of('turn-ended').length === 2);
  const stages = (id: string) =>
    loop.of('inject').flatMap((event) => (event.injectId === id ? [event.stage] : []));
  expect(stages('N')).toEqual(['delivered', 'seen', 'acted']);
  expect(stages('L')).toEqual(['delivered', 'seen', 'acted']);
  const kinds = loop.events.flatMap((event) =>
    event.kind === 'message' && event.role === 'user'
      ? [event.text]
      : event.kind === 'turn-ended'
        ? ['end']
        : [],
  );
  expect(kinds.slice(1)).toEqual(['a word for next', 'end', 'a later word', 'end']);
  expect(loop.of('message').find((event) => event.injectId === 'N')?.text).toBe('a word for next');
});

test('now aborts the running tool and is read at once, in the same turn', async () => {
  await told(`${call('run_command', { command: 'sleep 300' })}[[say never]]`);
  await toolRunning();
  loop.say('[[say urgent thing done]]', 'now', 'U');
  const end = await loop.turnEnd();
  expect(end).toMatchObject({ outcome: 'done', text: 'urgent thing done' });
  expect(loop.of('tool-result')[0]).toMatchObject({ isError: true });
  expect(loop.of('turn-ended')).toHaveLength(1);
  await loop.waitFor('inject', (event) => event.injectId === 'U' && event.stage === 'acted');
});

test('the same message id twice is one message', async () => {
  await told(null);
  loop.say('[[say once]]', 'next', 'same');
  await loop.turnEnd();
  const from = loop.events.length;
  loop.say('[[say once]]', 'next', 'same');
  await loop.waitFor('inject', () => true, { from });
  loop.say('[[say other]]', 'next', 'other');
  await loop.turnEnd(from);
  expect(loop.of('message').filter((event) => event.injectId === 'same')).toHaveLength(1);
});

test('SIGKILL in mid-tool, then resume: the call is repaired, the queue is kept, the model goes on', async () => {
  await told(`${call('run_command', { command: 'echo $$ > orphan; sleep 300' })}[[say never]]`);
  const tools = () => desk.entries().filter((entry) => entry.type === 'tool').length;
  const earlier = tools();
  await toolRunning();
  loop.say('a kept word', 'later', 'K');
  await loop.waitFor('inject', (event) => event.injectId === 'K');
  await eventually('the command runs', () => existsSync(join(desk.workspace, 'orphan')));
  const orphan = Number(readFileSync(join(desk.workspace, 'orphan'), 'utf8'));
  loop.child.kill('SIGKILL');
  await loop.exited;
  process.kill(-orphan, 'SIGKILL'); // In a run the shim does this.
  await again('[[say I am back]]');
  await loop.waitFor('message', (event) => event.text === 'I am back');
  await loop.waitFor('inject', (event) => event.injectId === 'K' && event.stage === 'acted');
  expect(loop.of('session')).toEqual([{ kind: 'session', session: 'r_test' }]);
  const back = server.requests.find((request) => saidIn(request).endsWith('[[say I am back]]'))!;
  expect(resultsIn(back).at(-1)).toContain('Not run, or not finished');
  expect(tools()).toBe(earlier + 1);
});

test('a torn last line is dropped; a damaged line elsewhere is named', async () => {
  await told('[[say one]]');
  await loop.turnEnd();
  await loop.stop();
  const path = desk.conversation();
  appendFileSync(path, '{"type":"user","key":"x","te');
  await again('[[say two]]');
  expect((await loop.turnEnd()).text).toBe('two');
  await loop.stop();
  const lines = readFileSync(path, 'utf8').split('\n');
  lines[1] = '{"type":"us';
  writeFileSync(path, lines.join('\n'));
  await again('x');
  expect(await loop.exited).toEqual({ code: 1, signal: null });
  expect(loop.of('note').at(-1)?.text).toContain('Line 2 of the conversation');
});

test('two processes never share a conversation; a dead one does not block it', async () => {
  await told(null);
  const second = await LoopProcess.start(desk, agent(), { note: '' });
  expect(await second.exited).toEqual({ code: 1, signal: null });
  expect(second.of('note').at(-1)?.text).toContain(`in use by process ${loop.child.pid}`);
  loop.child.kill('SIGKILL');
  await loop.exited;
  await again('');
  await loop.waitFor('activity', (event) => event.activity === 'idle');
});

test('the end of input ends the process politely, with what was running recorded', async () => {
  await told(`${call('run_command', { command: 'sleep 300' })}[[say never]]`);
  await toolRunning();
  loop.child.stdin!.end();
  expect(await loop.exited).toEqual({ code: 0, signal: null });
  expect(desk.entries().at(-1)).toMatchObject({ type: 'turn', outcome: 'interrupted' });
  await again('');
  await loop.waitFor('activity', (event) => event.activity === 'idle');
  loop.child.kill('SIGTERM');
  expect(await loop.exited).toEqual({ code: 143, signal: null });
});

test('bad lines on its input are noted and do no harm', async () => {
  await told(null);
  for (const line of ['not json', '{"type":"dance"}', '{"type":"message","id":"x"}', '']) {
    loop.child.stdin!.write(`${line}\n`);
  }
  loop.say('[[say still here]]');
  expect((await loop.turnEnd()).text).toBe('still here');
  expect(loop.of('note').filter((event) => event.text.includes('could not be read'))).toHaveLength(3);
});

test('without its MCP server the agent still has its local tools, and is told', async () => {
  desk.place.mcp = { command: '/nonexistent/bridge', args: [] };
  await start(`${call('run_command', { command: 'echo ok' })}[[say {{result}}]]`);
  expect((await loop.turnEnd()).text).toBe('ok');
  expect(loop.of('mcp-status')[0]).toMatchObject({ servers: [{ name: 'aether', status: 'failed' }] });
  expect(loop.of('note')[0]?.text).toContain('aether tools are not available');
});
