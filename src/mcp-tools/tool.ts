/**
 * What an `aether_*` tool is: a name, words that make a model use it well, strict arguments, a complete result,
 * all four annotations, and one call of the host. The schemas are shown to clients of every kind, so they use
 * only the JSON Schema that all of them understand.
 */
import { z } from 'zod';
import type { Caller, HostApi } from '../host/api.ts';
import { argumentError } from './arguments.ts';
import { asMeant } from './habits.ts';

/** The protocol's hints, none left out: a missing one means "may destroy, may reach the open world". */
export interface CompleteAnnotations {
  readOnlyHint: boolean;
  destructiveHint: boolean;
  idempotentHint: boolean;
  openWorldHint: boolean;
}

/** What the tools ask of the host. */
export type ToolHost = Pick<
  HostApi,
  | 'info'
  | 'memoryStore'
  | 'memorySearch'
  | 'memoryGet'
  | 'memoryForget'
  | 'mailSend'
  | 'mailInbox'
  | 'mailAck'
  | 'agentsList'
  | 'askOperator'
  | 'report'
>;

type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };

/** A plain JSON Schema of an object. */
export interface ObjectSchema {
  type: 'object';
  properties: Record<string, JsonValue>;
  required?: string[];
  [key: string]: unknown;
}

export interface Tool {
  name: string;
  title: string;
  description: string;
  annotations: CompleteAnnotations;
  inputSchema: ObjectSchema;
  outputSchema: ObjectSchema;
  /**
   * Checks `args`, asks the host, and returns the structured result. Throws AetherError. `signal` aborts with
   * the reason 'cancelled' (the client does not want it any more) or 'disconnected'.
   */
  call(host: ToolHost, caller: Caller, args: unknown, signal: AbortSignal): Promise<Record<string, unknown>>;
}

export interface ToolDefinition<Input extends z.ZodObject, Output extends z.ZodObject> {
  name: string;
  title: string;
  /** At most 1,000 characters. */
  description: string;
  annotations: CompleteAnnotations;
  /** z.strictObject: an argument nobody knows is refused, not ignored. */
  input: Input;
  output: Output;
  handler(
    host: ToolHost,
    caller: Caller,
    args: z.output<Input>,
    signal: AbortSignal,
  ): z.input<Output> | Promise<z.input<Output>>;
}

export function defineTool<Input extends z.ZodObject, Output extends z.ZodObject>(
  definition: ToolDefinition<Input, Output>,
): Tool {
  const { name, title, description, annotations, input, output, handler } = definition;
  const inputSchema = portableSchema(input, 'input');
  return {
    name,
    title,
    description,
    annotations,
    inputSchema,
    outputSchema: portableSchema(output, 'output'),
    async call(host, caller, args, signal) {
      const given = asMeant(args ?? {}, inputSchema);
      const parsed = input.safeParse(given);
      if (!parsed.success) throw argumentError(name, input, given, parsed.error);
      return output.parse(await handler(host, caller, wellFormed(parsed.data), signal));
    },
  };
}

/** Half a surrogate pair cannot be stored: what is acknowledged is what will be read. */
function wellFormed<T>(value: T): T {
  if (typeof value === 'string') return value.toWellFormed() as T;
  if (Array.isArray(value)) return value.map(wellFormed) as T;
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, wellFormed(one)])) as T;
}

/** JSON Schema without a dialect line, and without the bounds zod gives every integer. */
function portableSchema(schema: z.ZodObject, io: 'input' | 'output'): ObjectSchema {
  const { $schema: _dialect, ...json } = z.toJSONSchema(schema, { io });
  return JSON.parse(JSON.stringify(json), (key, value: unknown) => {
    if (key === 'maximum' && value === Number.MAX_SAFE_INTEGER) return undefined;
    if (key === 'minimum' && value === Number.MIN_SAFE_INTEGER) return undefined;
    // A result may grow a field: clients that check an older schema must not refuse it.
    if (key === 'additionalProperties' && io === 'output') return undefined;
    return value;
  }) as ObjectSchema;
}
