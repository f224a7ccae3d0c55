/** Where vectors of memories are made: what the file may say, and what `plan` and `doctor` say of it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { endpointOf } from '../../../src/host/config/embeddings.ts';
import { checkConfiguration, planWithoutHost } from '../../../src/host/planning.ts';
import { EmbeddingServer } from '../../support/embedding-server.ts';
import { load, tempDir, writeConfig, writeFile } from './support.ts';

const file = (more: string) => `agents: {}\nmemory:\n  embeddings: { model: m, ${more} }\n`;
const read = (more: string, dir?: string) => load(file(more), dir).memory.embeddings;

it('has defaults, and names where the key is', () => {
  expect(read('url: "http://127.0.0.1:11434", api: ollama')).toEqual({
    ...{ url: 'http://127.0.0.1:11434', api: 'ollama', model: 'm', auth: null, dimensions: null },
    ...{ batch_max: 16, timeout_ms: 10_000, exclude: [] },
  });
  const all = 'url: "https://a.example/v1", auth: KEY, timeout: 3s, exclude: [fleet, "agent:x"]';
  expect(read(all)).toMatchObject({ auth: { env: 'KEY' }, timeout_ms: 3_000, exclude: ['fleet', 'agent:x'] });
  expect(load('agents: {}\n').memory.embeddings).toBeUndefined();
});

it.each([
  ['plain http to another machine', 'url: "http://192.168.1.4:11434"'],
  ['plain http to what only looks like this one', 'url: "http://127.0.0.1.example:80"'],
  ['a log-in in the address', 'url: "https://key@a.example"'],
  ['another protocol', 'url: "ftp://a.example"'],
  ['no address', 'url: nonsense'],
  ['the key itself', 'url: "https://a.example", auth: sk-1234'],
  ['too long a wait', 'url: "https://a.example", timeout: 1h'],
  ['an unknown scope', 'url: "https://a.example", exclude: [everything]'],
  ['too few dimensions', 'url: "https://a.example", dimensions: 3'],
  ['an unknown key', 'url: "https://a.example", keys: 3'],
])('refuses %s', (_what, wrong) => {
  expect(() => read(wrong)).toThrow(/memory\.embeddings/);
});

it('reads the key at each use, from a variable or a file of its owner', () => {
  const dir = tempDir();
  const settings = read('url: "https://a.example", auth: { file: key }', dir)!;
  expect(() => endpointOf(settings, {}).key()).toThrow(/does not exist/);
  writeFile(join(dir, 'key'), 'k-1\n', 0o600);
  expect(endpointOf(settings, {}).key()).toBe('k-1');
  const named = read('url: "https://a.example", auth: KEY')!;
  expect(endpointOf(named, { KEY: 'k-2' }).key()).toBe('k-2');
  expect(() => endpointOf(named, {}).key()).toThrow(/names KEY, which is not set/);
});

it('is said by plan, and tried by doctor', async () => {
  const server = await EmbeddingServer.open();
  onTestFinished(() => server.close());
  const dir = tempDir();
  const configFile = writeConfig(file(`url: "${server.url}", exclude: [branch]`), dir);
  const { memory } = await planWithoutHost({ configFile, stateDir: join(dir, 'state') });
  expect(memory).toEqual({
    ...{ recall_tokens: 800, memories_per_scope_max: 100_000, bytes_per_scope_max: 268_435_456 },
    embeddings: `m at ${server.url} (OpenAI form), but nothing of branch`,
  });
  expect(server.asked).toEqual([]);
  expect((await checkConfiguration(configFile)).embeddings).toMatchObject({ dimensions: 16 });
  server.instead = () => ({ status: 404 });
  expect((await checkConfiguration(configFile)).embeddings).toMatchObject({
    problem: { code: 'embeddings.refused', next: expect.stringContaining('the model m') },
  });
  writeFileSync(configFile, 'agents: {}\n');
  expect((await checkConfiguration(configFile)).embeddings).toBeNull();
});
