/**
 * An MCP tool is added as a contributor would: its file in the catalogue, and its test. Clients list it, aether.yaml
 * can grant it, the published schema and the README name it, and it is called over a real run door.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { LiveFleet } from '../support/live-fleet.ts';
import type { Addition } from './addition.ts';

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
  async effect({ memory }, call, { scope = 'all' }) {
    const { total } = await memory.search(call, { query: '*', limit: 1, scope });
    return { memories: total };
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
  expect(tools).toContainEqual(expect.objectContaining({ name: 'aether_memory_count', title: 'Count memories' }));
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

export const tool: Addition = {
  name: 'an MCP tool: its file and its test are written; the README and the published schema name it',
  tests: [
    'tests/mcp-tools/memory-count.test.ts',
    'tests/mcp-tools/catalog.test.ts',
    'tests/host/config/published.test.ts',
  ],
  add(scratch) {
    scratch.write('src/mcp-tools/catalog/memory-count.ts', TOOL);
    scratch.write('tests/mcp-tools/memory-count.test.ts', TEST);
    scratch.generate();
    expect(scratch.touched()).toEqual({
      generated: [
        'README.md',
        'src/host/config/tools.ts',
        'src/mcp-tools/catalog.ts',
        'templates/aether.schema.json',
      ],
      written: ['src/mcp-tools/catalog/memory-count.ts', 'tests/mcp-tools/memory-count.test.ts'],
    });
    const text = (file: string) => readFileSync(join(scratch.directory, file), 'utf8');
    expect(text('README.md')).toMatch(/`aether_report`\s`aether_memory_count`\./);
    expect(text('templates/aether.schema.json')).toContain('"aether_memory_count"');
  },
  live(scratch) {
    test('a tool that was added can be granted in aether.yaml', async () => {
      const { program } = scratch();
      const agent = { runtime: 'command', command: ['true'] };
      const fleet = await LiveFleet.make(
        { agents: { polly: { ...agent, tools: ['aether_memory_count'] } } },
        { program },
      );
      onTestFinished(() => fleet.close());
      expect(await fleet.ok('plan')).toContain('aether_memory_count');
      fleet.configure({ agents: { polly: { ...agent, tools: ['aether_memory_cuont'] } } });
      expect((await fleet.cli(['plan'])).stderr).toContain('aether_memory_count');
    }, 120_000);
  },
};
