/** The API document: complete over the definitions, and what OpenAPI 3.1 asks of one. */
import { expect, it } from 'vitest';
import { verbs } from '../../../src/host/verbs/all.ts';
import { openApi } from '../../../src/host/verbs/openapi.ts';
import type { AnyVerb } from '../../../src/host/verbs/verb.ts';

interface Operation {
  operationId: string;
  summary: string;
  parameters?: { name: string; in: string; content: Record<string, { schema: object }> }[];
  requestBody?: {
    content: Record<string, { schema: { properties: Record<string, object>; required: string[] } }>;
  };
  responses: Record<string, { description: string }>;
}

const all = Object.values(verbs as unknown as Record<string, AnyVerb>);
const document = openApi('1.2.3') as unknown as {
  openapi: string;
  info: { title: string; version: string };
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object>; securitySchemes: Record<string, object> };
  security: Record<string, string[]>[];
  'x-aether-streams': Record<string, object>;
};
const operations = Object.values(document.paths).flatMap((path) => Object.values(path));

it('has a path for every call, and names every stream', () => {
  const calls = all.filter(({ kind }) => kind === 'call').map(({ name }) => `/api/verbs/${name}`);
  const streams = all.filter(({ kind }) => kind === 'stream').map(({ name }) => name);
  expect(Object.keys(document.paths).sort()).toEqual(calls.sort());
  expect(Object.keys(document['x-aether-streams']).sort()).toEqual(streams.sort());
});

it('is what OpenAPI 3.1 asks of a document', () => {
  expect(document.openapi).toMatch(/^3\.1\.\d+$/);
  expect(document.info).toMatchObject({ title: expect.any(String), version: '1.2.3' });
  const ids = operations.map(({ operationId }) => operationId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const operation of operations) {
    expect(operation.summary).toMatch(/\.$/);
    expect(Object.keys(operation.responses)).toEqual(['200', 'default']);
    for (const response of Object.values(operation.responses)) expect(response.description).not.toBe('');
    // A parameter has exactly one media type when it is described by content.
    for (const { content } of operation.parameters ?? []) expect(Object.keys(content)).toHaveLength(1);
  }
  const schemes = Object.keys(document.components.securitySchemes);
  for (const need of document.security) for (const name of Object.keys(need)) expect(schemes).toContain(name);
  const text = JSON.stringify(document);
  const refs = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map((match) => match[1]!);
  expect(refs.length).toBeGreaterThan(0);
  for (const name of refs)
    expect(Object.keys(document.components.schemas).map((one) => `#/components/schemas/${one}`)).toContain(
      name,
    );
  expect(text).not.toContain('"$schema"');
});

it('says the same of inputs as the definitions', () => {
  const bodyOf = (name: string) =>
    document.paths[`/api/verbs/${name}`]!.post!.requestBody!.content['application/json']!.schema;
  expect(bodyOf('inject')).toMatchObject({
    required: ['input', 'basis'],
    properties: {
      input: {
        type: 'object',
        required: ['agent', 'text'],
        additionalProperties: false,
        properties: { priority: { enum: ['now', 'next', 'later'] } },
      },
      basis: { $ref: '#/components/schemas/AgentBasis' },
    },
  });
  expect(bodyOf('agents').required).toEqual([]);
  expect(Object.keys(document.paths['/api/verbs/kill']!)).toEqual(['post']);
  expect(Object.keys(document.paths['/api/verbs/agents']!)).toEqual(['get', 'post']);
});
