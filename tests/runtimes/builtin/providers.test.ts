/** The same conversation through the protocol of every provider, tool results and resume included. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type ModelServer, resultsIn, startModelServer } from '../../support/model-server/server.ts';
import { LoopDesk, LoopProcess } from './loop-process.ts';

let server: ModelServer;
let desk: LoopDesk;
let loop: LoopProcess | undefined;

beforeAll(async () => {
  server = await startModelServer();
});
afterAll(() => server.close());
beforeEach(() => {
  desk = new LoopDesk();
});
afterEach(async () => {
  await loop?.stop();
  loop = undefined;
  desk.remove();
});

const KEY = 'a-key-for-every-provider';
const providers: Record<string, () => { env: Record<string, string>; auth: Record<string, string> }> = {
  anthropic: () => ({ env: { ANTHROPIC_BASE_URL: server.url }, auth: { ANTHROPIC_API_KEY: KEY } }),
  openai: () => ({ env: { OPENAI_BASE_URL: `${server.url}/v1` }, auth: { OPENAI_API_KEY: KEY } }),
  gemini: () => ({
    env: { GOOGLE_GENERATIVE_AI_BASE_URL: server.url },
    auth: { GOOGLE_GENERATIVE_AI_API_KEY: KEY },
  }),
  ollama: () => ({ env: { OLLAMA_HOST: `127.0.0.1:${server.port}` }, auth: {} }),
};

test.each(Object.keys(providers))('%s: tools, usage, errors and a second process', async (name) => {
  const agent = desk.loopAgent({ model: `${name}:scripted`, ...providers[name]!() });
  const goal = [
    '[[call write_file {"path":"a.txt","content":"from the file"}]]',
    '[[call read_file {"path":"a.txt"}]][[and aether_echo {"text":"beside it"}]]',
    '[[call read_file {"path":"missing"}]]',
    '[[say Finally: {{result}}]]',
  ].join('');
  loop = await LoopProcess.start(desk, { ...agent, goal });
  const end = await loop.turnEnd();
  expect(end.outcome).toBe('done');
  expect(end.text).toContain('ENOENT');
  expect(loop.of('tool-result').map((event) => [event.text.slice(0, 20), event.isError])).toEqual([
    ['Wrote 13 bytes to a.', false],
    ['from the file', false],
    ['echo: beside it', false],
    ['ENOENT: no such file', true],
  ]);
  expect(loop.of('retrying')).toEqual([]);
  const usage = loop.of('usage');
  expect(usage).toHaveLength(4);
  expect(usage.every((event) => event.input_tokens > 0 && event.output_tokens > 0)).toBe(true);
  expect(usage[0]?.model).toBe(`${name}:scripted`);
  const request = server.requests.at(-1)!;
  expect(request.dialect).toBe(name);
  expect(resultsIn(request)).toHaveLength(4);
  expect(JSON.stringify(request.body)).toContain('You are the agent');
  if (Object.keys(agent.auth).length > 0) expect(JSON.stringify(request.headers)).toContain(KEY);

  await loop.stop();
  loop = await LoopProcess.start(desk, agent, { note: '[[error 503 1]][[say {{result}} again]]' });
  const again = await loop.turnEnd();
  expect(again.outcome).toBe('done');
  expect(again.text).toContain('ENOENT');
  expect(loop.of('retrying')).toHaveLength(1);
});

test.each(Object.keys(providers))('%s: arguments that are no JSON are survived', async (name) => {
  const agent = desk.loopAgent({ model: `${name}:scripted`, ...providers[name]!() });
  loop = await LoopProcess.start(desk, {
    ...agent,
    goal: '[[malformed arguments]][[call aether_echo {"text":"whole"}]][[say went on]]',
  });
  const end = await loop.turnEnd();
  expect(end.outcome).toBe('done');
  // The Ollama provider leaves such a call out, so nothing is left of the answer; the others hand it on.
  if (name === 'ollama')
    expect(loop.of('note').map((event) => event.text)).toContain('The model answered with nothing.');
  else expect(end.text).toBe('went on');
});
