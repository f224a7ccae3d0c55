/** The scripted server against real clients of the four protocols: what it speaks is what they understand. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogle } from '@ai-sdk/google';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, generateText, type LanguageModel, stepCountIs, streamText, tool } from 'ai';
import { createOllama } from 'ollama-ai-provider-v2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseDirectives, splitResponses } from './directives.ts';
import { type ModelServer, resultsIn, saidIn, startModelServer } from './server.ts';

// Remarks about an unknown model name are expected here.
globalThis.AI_SDK_LOG_WARNINGS = false;

let server: ModelServer;
beforeAll(async () => {
  server = await startModelServer();
});
afterAll(() => server.close());

const clients: Record<string, () => LanguageModel> = {
  anthropic: () => createAnthropic({ baseURL: `${server.url}/v1`, apiKey: 'k' })('scripted'),
  openai: () =>
    createOpenAICompatible({ name: 'scripted', baseURL: `${server.url}/v1`, includeUsage: true })('scripted'),
  gemini: () => createGoogle({ baseURL: `${server.url}/v1beta`, apiKey: 'k' })('scripted'),
  ollama: () => createOllama({ baseURL: `${server.url}/api` })('scripted'),
};

const tools = {
  add: tool({
    description: 'Adds.',
    inputSchema: z.object({ a: z.number(), b: z.number() }),
    execute: async ({ a, b }) => ({ sum: a + b }),
  }),
};

const PROMPT =
  'work [[say adding]] [[call add {"a":2,"b":3}]] [[and add {"a":1,"b":1}]] [[say the sum is {{result.sum}}]]';

describe.each(Object.keys(clients))('%s', (name) => {
  const model = () => clients[name]!();

  it('answers whole, with tool calls in steps', async () => {
    const result = await generateText({ model: model(), tools, stopWhen: stepCountIs(5), prompt: PROMPT });
    expect(result.text).toBe('the sum is 2');
    expect(result.steps).toHaveLength(2);
    expect(result.steps[0]!.toolCalls.map((call) => call.input)).toEqual([
      { a: 2, b: 3 },
      { a: 1, b: 1 },
    ]);
    expect(result.usage.outputTokens).toBeGreaterThan(0);
    const last = server.requests.at(-1)!;
    expect(last.dialect).toBe(name);
    expect(last.conversation).toMatchObject({ stream: false, model: 'scripted', tools: ['add'] });
    expect(resultsIn(last)).toEqual(['{"sum":5}', '{"sum":2}']);
    expect(saidIn(last)).toContain('work [[say adding]]');
  });

  it('streams, word by word', async () => {
    const result = streamText({
      model: model(),
      tools,
      stopWhen: stepCountIs(5),
      prompt: `${PROMPT} [[next]] never [[say unused]]`.replace('the sum', '{{result.sum}}: the sum'),
    });
    let text = '';
    for await (const part of result.textStream) text += part;
    expect(text).toBe('adding2: the sum is 2');
    expect((await result.usage).inputTokens).toBeGreaterThan(0);
    const slow = streamText({ model: model(), prompt: '[[slow 1 one two three]]' });
    const parts: string[] = [];
    for await (const part of slow.textStream) parts.push(part);
    expect(parts.join('')).toBe('one two three');
    expect(parts.length).toBeGreaterThanOrEqual(3);
  });

  it('fails as told, and as often as told', async () => {
    const options = { model: model(), maxRetries: 0 };
    const attempt = generateText({ ...options, prompt: `${name} [[error 529 1]] [[say recovered]]` });
    await expect(attempt).rejects.toSatisfy((e) => APICallError.isInstance(e) && e.statusCode === 529);
    const again = await generateText({ ...options, prompt: `${name} [[error 529 1]] [[say recovered]]` });
    expect(again.text).toBe('recovered');
    for (const how of ['cut', 'garbage']) {
      await expect(generateText({ ...options, prompt: `[[malformed ${how}]]` })).rejects.toThrow();
    }
  });

  it('hangs until it is released, and notices a client that leaves', async () => {
    const gone = new AbortController();
    const left = generateText({ model: model(), prompt: `[[hang never-${name}]]`, abortSignal: gone.signal });
    const request = await server.waitFor((r) => saidIn(r).includes(`never-${name}`));
    gone.abort();
    await expect(left).rejects.toThrow();
    await server.waitFor((r) => r === request && r.outcome === 'aborted');
    const waiting = generateText({ model: model(), prompt: `[[hang once-${name}]] [[say released]]` });
    await server.waitFor((r) => saidIn(r).includes(`once-${name}`));
    server.release(`once-${name}`);
    expect((await waiting).text).toBe('released');
  });
});

describe('the server', () => {
  it('answers 404 to what no protocol serves, and keeps it', async () => {
    const response = await fetch(`${server.url}/api/event_logging`, { method: 'POST', body: '{"a":1}' });
    expect(response.status).toBe(404);
    const logged = await server.waitFor((r) => r.path === '/api/event_logging' && r.outcome === 'done');
    expect(logged).toMatchObject({ dialect: null, status: 404, body: { a: 1 } });
  });

  it('runs by itself, and tells its log to whoever is in another process', async () => {
    const program = fileURLToPath(new URL('./main.ts', import.meta.url));
    const child = spawn(process.execPath, [program, '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = once(child, 'exit');
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    const { url } = JSON.parse(line) as { url: string };
    const ask = (content: string) =>
      fetch(`${url}/v1/messages`, {
        method: 'POST',
        body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content }] }),
      });
    const waiting = ask('[[hang outside]] [[say done]]');
    await fetch(`${url}/__release/outside`, { method: 'POST' });
    expect(await (await waiting).json()).toMatchObject({ content: [{ text: 'done' }] });
    const log = (await (await fetch(`${url}/__requests`)).json()) as { outcome: string }[];
    expect(log.map((request) => request.outcome)).toEqual(['done']);
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  });

  it('counts tokens', async () => {
    const response = await fetch(`${server.url}/v1/messages/count_tokens`, {
      method: 'POST',
      body: JSON.stringify({ messages: [] }),
    });
    expect(await response.json()).toEqual({ input_tokens: expect.any(Number) });
  });

  it('says what it saw when a request never comes', async () => {
    await expect(server.waitFor(() => false, 20)).rejects.toThrow(/within 20 ms; seen:/);
  });

  it('says "ok" to a person who gives no script, and accepts system messages in mid-conversation', async () => {
    const ask = async (messages: unknown[]) => {
      const response = await fetch(`${server.url}/v1/messages?beta=true`, {
        method: 'POST',
        body: JSON.stringify({ model: 'm', messages }),
      });
      const body = (await response.json()) as { content: { text: string }[] };
      return body.content[0]!.text;
    };
    const script = { role: 'user', content: '[[call t {}]] [[say two]]' };
    const call = { role: 'assistant', content: [{ type: 'tool_use', id: 'x', name: 't', input: {} }] };
    const result = { type: 'tool_result', tool_use_id: 'x', content: 'r' };
    expect(await ask([script, call, { role: 'user', content: [result] }])).toBe('two');
    const remark = { type: 'text', text: 'by the way' };
    expect(await ask([script, call, { role: 'user', content: [result, remark] }])).toBe('two');
    const cancelled = { type: 'text', text: '[Request interrupted by user]' };
    expect(await ask([script, call, { role: 'user', content: [result, cancelled] }])).toBe('ok');
    const system = { role: 'system', content: 'the date is today' };
    expect(await ask([script, call, { role: 'user', content: [result] }, system])).toBe('two');
    expect(await ask([script, { role: 'assistant', content: 'x' }, { role: 'user', content: 'hi' }])).toBe(
      'ok',
    );
    const steer = { type: 'text', text: 'stop [[say steered]]' };
    expect(await ask([script, call, { role: 'user', content: [result, steer] }])).toBe('steered');
  });
});

describe('directives', () => {
  it('take JSON that itself contains brackets, and skip what they do not know', () => {
    const actions = parseDirectives('[[call t {"a":[[1,2]]}]] [[wiki link]] [[say done]]');
    expect(actions).toEqual([
      { do: 'call', tool: 't', input: { a: [[1, 2]] }, parallel: false },
      { do: 'say', text: 'done' },
    ]);
    expect(splitResponses(actions)).toHaveLength(2);
  });
});
