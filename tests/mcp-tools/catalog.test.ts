import { expect, it } from 'vitest';
import { limits } from '../../src/host/limits.ts';
import { catalog } from '../../src/mcp-tools/catalog.ts';
import type { ObjectSchema } from '../../src/mcp-tools/tool.ts';

/** What every client and model provider understands; no references, unions, conditions or dialects. */
const PORTABLE = new Set([
  'type',
  'properties',
  'required',
  'items',
  'enum',
  'description',
  'additionalProperties',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'minimum',
  'maximum',
]);

interface Schema {
  type?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
  description?: string;
  [key: string]: unknown;
}

function walk(schema: Schema, path: string, visit: (schema: Schema, path: string) => void): void {
  visit(schema, path);
  for (const [name, property] of Object.entries(schema.properties ?? {}))
    walk(property, `${path}.${name}`, visit);
  if (schema.items) walk(schema.items, `${path}[]`, visit);
}

it('lists each tool under a name every engine accepts, memory first', () => {
  for (const { name } of catalog) expect(name).toMatch(/^aether_[a-z_]{1,40}$/);
  expect(new Set(catalog.map(({ name }) => name)).size).toBe(catalog.length);
  expect(new Set(catalog.map(({ order }) => order)).size).toBe(catalog.length);
  expect(catalog.slice(0, 10).map((tool) => tool.name)).toEqual([
    'aether_memory_search',
    'aether_memory_store',
    'aether_memory_get',
    'aether_memory_forget',
    'aether_mail_inbox',
    'aether_mail_send',
    'aether_mail_ack',
    'aether_agents_list',
    'aether_ask_operator',
    'aether_report',
  ]);
});

it.each(catalog.map((tool) => [tool.name, tool] as const))('%s has examples that it takes', (_name, tool) => {
  expect(tool.examples.length).toBeGreaterThan(0);
  for (const example of tool.examples) expect(tool.check(example)).toEqual(example);
  expect(tool.annotations.readOnlyHint).toBe(tool.kind === 'read');
});

it.each(catalog.map((tool) => [tool.name, tool] as const))('%s is described in full', (_name, tool) => {
  expect(tool.title.length).toBeGreaterThan(2);
  expect(tool.description.length).toBeGreaterThan(80);
  expect(tool.description.length).toBeLessThanOrEqual(1_000);
  expect(Object.values(tool.annotations).every((hint) => typeof hint === 'boolean')).toBe(true);
  expect(Object.keys(tool.annotations).sort()).toEqual([
    'destructiveHint',
    'idempotentHint',
    'openWorldHint',
    'readOnlyHint',
  ]);
  if (tool.annotations.readOnlyHint) expect(tool.annotations.destructiveHint).toBe(false);
});

it.each(catalog.map((tool) => [tool.name, tool] as const))(
  '%s has portable, strict schemas',
  (_name, tool) => {
    const check = (root: ObjectSchema) =>
      walk(root as Schema, tool.name, (schema, path) => {
        for (const key of Object.keys(schema)) expect(PORTABLE, `${path}: ${key}`).toContain(key);
        expect(typeof schema.type, path).toBe('string');
        for (const bound of ['minimum', 'maximum']) {
          if (bound in schema) expect(Math.abs(Number(schema[bound])), path).toBeLessThan(1e9);
        }
      });
    check(tool.inputSchema);
    check(tool.outputSchema);
    expect(tool.inputSchema.additionalProperties).toBe(false);
    expect(tool.outputSchema.additionalProperties).toBeUndefined();
  },
);

it('promises in its schemas what the host holds to', () => {
  const input = (name: string) =>
    catalog.find((tool) => tool.name === name)!.inputSchema.properties as Record<string, Schema>;
  expect(input('aether_memory_search').limit!.maximum).toBe(limits.memory_results_max);
  expect(input('aether_memory_store').key!.maxLength).toBe(limits.memory_key_chars_max);
  expect(input('aether_memory_store').tags!.maxItems).toBe(limits.memory_tags_max);
  expect(input('aether_memory_store').tags!.items!.maxLength).toBe(limits.memory_tag_chars_max);
  expect(input('aether_mail_send').subject!.maxLength).toBe(limits.mail_subject_chars_max);
  expect(input('aether_mail_inbox').limit!.maximum).toBe(limits.mail_inbox_max);
  expect(input('aether_mail_ack').ids!.maxItems).toBe(limits.mail_ack_ids_max);
  expect(input('aether_ask_operator').choices!.maxItems).toBe(limits.question_choices_max);
  expect(input('aether_ask_operator').choices!.items!.maxLength).toBe(limits.question_choice_chars_max);
  expect(Number(input('aether_ask_operator').waitSeconds!.maximum) * 1_000).toBe(limits.ask_wait_ms);
});

it('costs a model less than 3,000 tokens before it has done anything', () => {
  // What an engine puts before its model: name, description, arguments. Four characters to a token is the usual
  // estimate for English and JSON.
  const chars = catalog
    .map(({ name, description, inputSchema }) => JSON.stringify({ name, description, inputSchema }).length)
    .reduce((sum, length) => sum + length, 0);
  const tokens = Math.ceil(chars / 4);
  console.log(`the ${catalog.length} tools cost about ${tokens} tokens`);
  expect(tokens).toBeLessThan(3_000);
});
