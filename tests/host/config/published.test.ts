/** What is published beside the code: the JSON Schema, the templates, and the names both rely on. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { makeJsonSchema, publishedJsonSchema, schemaFile } from '../../../src/host/config/json-schema.ts';
import { loadConfig } from '../../../src/host/config/load.ts';
import { RUNTIME_NAMES } from '../../../src/host/config/runtime-keys.ts';
import { configSchema } from '../../../src/host/config/schema.ts';
import { loadTemplate, templateNames, templatesDirectory } from '../../../src/host/config/templates.ts';
import { AETHER_TOOLS } from '../../../src/host/config/tools.ts';
import { AetherError } from '../../../src/host/errors.ts';
import { catalog } from '../../../src/mcp-tools/catalog.ts';
import { decide } from '../../../src/runtimes/permission-rules.ts';
import { tempDir, writeFile } from './support.ts';

interface Json {
  [key: string]: unknown;
}

describe('the JSON Schema', () => {
  it('is up to date (vitest -u writes it again)', async () => {
    await expect(makeJsonSchema()).toMatchFileSnapshot(schemaFile);
    expect(publishedJsonSchema()).toBe(makeJsonSchema());
  });

  it('describes every key, for hover help', () => {
    const silent: string[] = [];
    let keys = 0;
    const walk = (node: unknown, path: string): void => {
      if (typeof node !== 'object' || node === null) return;
      const { properties } = node as { properties?: Json };
      for (const [key, value] of Object.entries(properties ?? {})) {
        keys++;
        if (!(value as Json).description) silent.push(`${path}.${key}`);
      }
      for (const [key, value] of Object.entries(node)) walk(value, `${path}.${key}`);
    };
    walk(JSON.parse(publishedJsonSchema()), '');
    expect(silent).toEqual([]);
    expect(keys).toBeGreaterThan(50);
  });

  it('refuses unknown keys and knows the choices', () => {
    const schema = JSON.parse(publishedJsonSchema()) as Json;
    expect(schema.$schema).toBe('http://json-schema.org/draft-07/schema#');
    expect(schema.additionalProperties).toBe(false);
    const agents = (schema.properties as Json).agents as Json;
    const agent = agents.additionalProperties as Json;
    expect(agent.additionalProperties).toBe(false);
    expect(((agent.properties as Json).runtime as Json).enum).toEqual(RUNTIME_NAMES);
    expect(((agent.properties as Json).template as Json).examples).toEqual(templateNames());
    expect(JSON.stringify(schema)).toContain(JSON.stringify(AETHER_TOOLS));
  });

  it('has an example for each key that it accepts itself', () => {
    const bad: string[] = [];
    const walk = (schema: z.core.$ZodType, path: string): void => {
      const examples = z.globalRegistry.get(schema)?.examples as unknown[] | undefined;
      for (const example of examples ?? [])
        if (!z.safeParse(schema, example).success) bad.push(`${path}: ${JSON.stringify(example)}`);
      if (schema instanceof z.ZodOptional) walk(schema.unwrap(), path);
      if (schema instanceof z.ZodUnion) for (const option of schema.options) walk(option, path);
      if (schema instanceof z.ZodRecord) walk(schema.valueType, `${path}.*`);
      if (schema instanceof z.ZodArray) walk(schema.element, `${path}[]`);
      if (schema instanceof z.ZodObject)
        for (const [key, value] of Object.entries(schema.shape))
          walk(value as z.core.$ZodType, `${path}.${key}`);
    };
    walk(configSchema, '');
    expect(bad).toEqual([]);
  });
});

describe('the tools', () => {
  it('that can be granted are those of the catalog', () => {
    expect([...AETHER_TOOLS].sort()).toEqual(catalog.map(({ name }) => name).sort());
  });
});

/** Those that docs/openclaw.md says rules can name. */
const OPENCLAW_TOOLS = new Set(
  [
    ...readFileSync(join(templatesDirectory, '../docs/openclaw.md'), 'utf8').matchAll(/\(`exec`[^)]*\)/g),
  ].flatMap(([list]) => list.match(/\w+/g) ?? []),
);
const CALL = { subject: null, shell: false, readOnly: false, granted: false };

describe('templates', () => {
  it('are there', () => {
    expect(templateNames()).toEqual(['coder', 'researcher', 'reviewer']);
  });

  it.each(['coder', 'researcher', 'reviewer'])('%s can be used', (name) => {
    const template = loadTemplate(name);
    expect(template.role).toMatch(/^You are a /);
    expect(template.role.length).toBeGreaterThan(1_500);
    expect(template.description).toMatch(/\.$/);
    expect(template.limits?.steps_max).toBeGreaterThan(10);
    expect(Object.isFrozen(template)).toBe(true);
    // A prompt that tells of a tool which is not granted teaches the agent to fail.
    const granted = Array.isArray(template.tools) ? template.tools : AETHER_TOOLS;
    const named = template.role.match(/aether_\w+/g) ?? [];
    expect(named.filter((tool) => !granted.includes(tool as (typeof AETHER_TOOLS)[number]))).toEqual([]);
    for (const tool of ['aether_memory_search', 'aether_memory_store', 'aether_mail_inbox', 'aether_report'])
      expect(named).toContain(tool);
  });

  it.each(['coder', 'researcher', 'reviewer'])(
    '%s has the rules of each runtime in its own words',
    (name) => {
      const dir = tempDir();
      const file = writeFile(
        join(dir, 'aether.yaml'),
        `defaults: { template: ${name} }
agents:
  claude: { runtime: claude-code }
  claw: { runtime: openclaw, model: anthropic/x }
  strict: { runtime: openclaw, model: anthropic/x, permissions: deny }
`,
      );
      const [claude, claw, strict] = loadConfig(file).agents.map(({ permissions }) => permissions);
      const names = ({ allow, deny }: NonNullable<typeof claw>) =>
        [...allow, ...deny].map((rule) => rule.replace(/\(.*/, ''));
      expect(names(claude!)).toEqual(expect.arrayContaining(['Read', 'Bash']));
      expect(names(claude!)).not.toContain('exec');
      expect(names(claw!).filter((tool) => !OPENCLAW_TOOLS.has(tool))).toEqual([]);
      expect(claw!.mode).toBe('ask');
      // An agent that only says how strict it is keeps the rules.
      expect(strict).toEqual({ ...claw, mode: 'deny' });
      expect(decide(claw!, { ...CALL, tool: 'exec', subject: 'git push origin', shell: true })).toBe('deny');
      expect(decide(claw!, { ...CALL, tool: 'read', subject: '/elsewhere' })).toBe('allow');
      expect(decide(claw!, { ...CALL, tool: 'write', subject: 'x' })).toBe(
        name === 'reviewer' ? 'deny' : 'allow',
      );
    },
  );

  it('that are broken name their own file and line', () => {
    const dir = tempDir();
    writeFile(join(dir, 'mine/prompt.md'), 'You are mine.');
    const file = writeFile(join(dir, 'mine/template.yaml'), 'description: Mine.\ntool: all\n');
    try {
      loadTemplate('mine', dir);
      expect.unreachable();
    } catch (error) {
      expect((error as AetherError).toWire()).toMatchObject({
        code: 'config.unknown-key',
        details: { file, line: 2, column: 1 },
      });
      expect((error as AetherError).message).toContain('"tools"');
    }
  });

  it('that are unknown name the nearest', () => {
    expect(() => loadTemplate('revewer')).toThrow(AetherError);
    expect(() => loadTemplate('revewer')).toThrow(/nearest is "reviewer"/);
    expect(() => loadTemplate('../templates/coder')).toThrow(/There is no template/);
  });
});

describe('the example fleet', () => {
  it('is valid', () => {
    const config = loadConfig(join(templatesDirectory, 'example/aether.yaml'));
    expect(config.agents.length).toBeGreaterThan(1);
    expect(config.warnings).toEqual([]);
  });

  it('would be refused with a mistake in it', () => {
    const dir = tempDir();
    const text = readFileSync(join(templatesDirectory, 'example/aether.yaml'), 'utf8');
    writeFileSync(join(dir, 'aether.yaml'), text.replace('workspace:', 'workspac:'));
    expect(() => loadConfig(join(dir, 'aether.yaml'))).toThrow(/nearest known key is "workspace"/);
  });
});
