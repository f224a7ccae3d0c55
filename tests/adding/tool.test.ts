/**
 * An MCP tool is added as a contributor would: its file in the catalogue, and its test. Clients list it, aether.yaml
 * can grant it, the published schema and the README name it, and it is called over a real run door.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LiveFleet } from '../support/live-fleet.ts';
import { Scratch } from './scratch.ts';

const TOOL = `/** \`aether_memory_count\`: how much is remembered. */
import { z } from 'zod';
import { defineTool } from '../tool.ts';

export const memoryCount = defineTool({
  name: 'aether_memory_count',
  title: 'Count memories',
  description:
    'Count the memories that you can find, yours and the shared ones. Use it to see whether anything is known at all before you search.',
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  order: 110,
  input: z.strictObject({ scope: z.enum(['agent', 'shared', 'all']).optional() }),
  output: z.object({ memories: z.int() }),
  examples: [{}, { scope: 'shared' }],
  kind: 'read',
  effect({ memory }, { principal }, { scope = 'all' }) {
    return { memories: memory.search(principal, { query: '*', limit: 1, scope }).total };
  },
});
`;

const TEST = `/** The tool as an agent calls it: through the bridge, at the door of its run. */
import fs from 'node:fs';
import { expect, it } from 'vitest';
import { Engine } from './engine.ts';
import { actor, Rig, tempDir } from './rig.ts';

it('counts what the caller can find, where it is granted', async () => {
  const rig = new Rig(tempDir());
  rig.memory.store(actor('agent:ada'), { text: 'one' });
  rig.memory.store(actor('agent:bob'), { text: 'two', scope: 'shared' });
  rig.memory.store(actor('agent:bob'), { text: 'three' });
  let grants: string[] | null = null;
  await rig.openRunDoor({ grants: () => grants });
  const engine = new Engine(rig.socketPath);
  await engine.handshake();
  const { tools } = (await engine.reply(engine.request('tools/list'))).result;
  expect(tools.at(-1)).toMatchObject({ name: 'aether_memory_count', title: 'Count memories' });
  const { result } = await engine.reply(engine.call('aether_memory_count', { scope: null }));
  expect(result.structuredContent).toEqual({ memories: 2 });
  grants = ['aether_memory_get'];
  const refused = await engine.reply(engine.call('aether_memory_count'));
  expect(refused.result._meta['aether/error'].code).toBe('tool.not-granted');
  await engine.stop();
  await rig.close();
  fs.rmSync(rig.dir, { recursive: true });
});
`;

let scratch: Scratch;
let fleet: LiveFleet | null = null;

beforeAll(() => {
  scratch = Scratch.make();
  scratch.write('src/mcp-tools/catalog/memory-count.ts', TOOL);
  scratch.write('tests/mcp-tools/memory-count.test.ts', TEST);
  scratch.generate();
}, 120_000);

afterAll(async () => {
  await fleet?.close();
  scratch.remove();
}, 60_000);

test('its file and its test are all that is written', () => {
  expect(scratch.touched()).toEqual({
    generated: [
      'README.md',
      'src/host/config/tools.ts',
      'src/mcp-tools/catalog.ts',
      'templates/aether.schema.json',
    ],
    written: ['src/mcp-tools/catalog/memory-count.ts', 'tests/mcp-tools/memory-count.test.ts'],
  });
});

test('the README and the published schema name it', () => {
  const text = (file: string) => readFileSync(join(scratch.directory, file), 'utf8');
  expect(text('README.md')).toMatch(/`aether_report`\s`aether_memory_count`\./);
  expect(text('templates/aether.schema.json')).toContain('"aether_memory_count"');
});

test('types hold, and it is listed, checked and called like every other', () => {
  scratch.typecheck();
  scratch.test(
    'tests/mcp-tools/memory-count.test.ts',
    'tests/mcp-tools/catalog.test.ts',
    'tests/architecture/generated.test.ts',
    'tests/host/config/published.test.ts',
  );
}, 300_000);

test('aether.yaml can grant it', async () => {
  const program = [process.execPath, join(scratch.directory, 'src/host/cli/main.ts')];
  const agent = { runtime: 'command', command: ['true'] };
  fleet = await LiveFleet.make(
    { agents: { polly: { ...agent, tools: ['aether_memory_count'] } } },
    { program },
  );
  expect(await fleet.ok('plan')).toContain('aether_memory_count');
  fleet.configure({ agents: { polly: { ...agent, tools: ['aether_memory_cuont'] } } });
  expect((await fleet.cli(['plan'])).stderr).toContain('aether_memory_count');
}, 120_000);
