/**
 * The verbs as an OpenAPI 3.1 document: the answers of the console's one route, for clients of other authors. Derived
 * from the definitions; results are described by the types in api.ts and have no schema here.
 */
import { z } from 'zod';
import { verbs } from './all.ts';
import { agentBasis } from './basis.ts';
import type { AnyCall, AnyVerb } from './verb.ts';

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
type JsonObject = { [key: string]: Json };

const ref = (name: string): JsonObject => ({ $ref: `#/components/schemas/${name}` });
const asJson = (schema: Json): JsonObject => ({ content: { 'application/json': { schema } } });

const errorSchema: JsonObject = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['code', 'who', 'message', 'next'],
      properties: {
        code: { type: 'string', description: 'noun.problem' },
        who: { enum: ['user', 'config', 'agent', 'runtime', 'host'], description: 'Who must act.' },
        message: { type: 'string', description: 'What happened.' },
        next: { type: 'string', description: 'What to do next.' },
        details: { type: 'object' },
      },
    },
  },
};

/** @param version of the host */
export function openApi(version: string): JsonObject {
  const all = Object.values(verbs as unknown as Record<string, AnyVerb>);
  const paths: JsonObject = {};
  const streams: JsonObject = {};
  for (const verb of all) {
    if (verb.kind === 'call') paths[`/api/verbs/${verb.name}`] = pathOf(verb);
    else streams[verb.name] = { summary: verb.summary, input: schemaOf(verb.input) };
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Aether host',
      version,
      description:
        'What a client may ask of the host. The console and the control socket carry the same verbs.',
    },
    servers: [{ url: 'http://127.0.0.1:{port}', variables: { port: { default: '7777' } } }],
    security: [{ proof: [] }],
    paths,
    components: {
      schemas: { Error: errorSchema, AgentBasis: schemaOf(agentBasis) },
      securitySchemes: {
        proof: {
          type: 'apiKey',
          in: 'header',
          name: 'x-aether-proof',
          description:
            'SESSION.NONCE.CODE: a code over method, path and nonce, made with the key of the session.',
        },
      },
    },
    // Over the control socket only: OpenAPI has no word for a stream of items.
    'x-aether-streams': streams,
  };
}

function pathOf(verb: AnyCall): JsonObject {
  const input = schemaOf(verb.input);
  const required = verb.input.safeParse({}).success ? [] : ['input'];
  if (verb.basis !== undefined) required.push('basis');
  const about = { summary: verb.summary, responses: responses() };
  const post: JsonObject = {
    ...about,
    operationId: verb.name,
    requestBody: {
      required: true,
      ...asJson({
        type: 'object',
        properties: { input, ...(verb.basis === undefined ? {} : { basis: ref('AgentBasis') }) },
        required,
        additionalProperties: false,
      }),
    },
  };
  if (!verb.reads) return { post };
  const parameter: JsonObject = {
    name: 'input',
    in: 'query',
    required: required.includes('input'),
    ...asJson(input),
  };
  return { get: { ...about, operationId: `${verb.name}.get`, parameters: [parameter] }, post };
}

function responses(): JsonObject {
  return {
    '200': { description: 'The result of the verb; null where it has none.', ...asJson({}) },
    default: { description: 'It was refused or failed.', ...asJson(ref('Error')) },
  };
}

function schemaOf(schema: z.ZodType): JsonObject {
  const { $schema: _dialect, ...json } = z.toJSONSchema(schema, { io: 'input' });
  return json as JsonObject;
}
