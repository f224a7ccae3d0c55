/**
 * What an `aether_*` tool is: a name, a description by which a model uses it well, strict arguments, a complete result,
 * all four annotations, and its effect on the host's nouns, which the ledger carries out. One file in catalog/ is all
 * that a new one needs: the catalogue, what can be granted, the published schema and the README follow from it (`npm
 * run generate`). The schemas are shown to clients of every kind, so they use only the JSON Schema that all of them
 * understand.
 */
import { z } from 'zod';
import type { Caller } from '../host/api.ts';
import type { Call, Waiting } from '../host/ledger/call.ts';
import type { Effect, Ledger } from '../host/ledger/ledger.ts';
import type { Nouns } from '../host/ledger/nouns.ts';
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
export type ToolLedger = Pick<Ledger, 'call'>;

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
  kind: Effect<unknown>['kind'];
  /** Where clients list it: smaller numbers first. */
  order: number;
  examples: readonly Record<string, unknown>[];
  inputSchema: ObjectSchema;
  outputSchema: ObjectSchema;
  /** Checks the arguments as a call does. @throws AetherError `tool.arguments` */
  check(args: unknown): unknown;
  /**
   * Checks `args`, has the ledger carry out the effect, and returns the structured result. Throws AetherError.
   * `signal` aborts with the reason 'cancelled' (the client does not want it any more) or 'disconnected'.
   */
  call(
    ledger: ToolLedger,
    caller: Caller,
    args: unknown,
    signal: AbortSignal,
  ): Promise<Record<string, unknown>>;
}

interface Definition<Input extends z.ZodObject, Output extends z.ZodObject> {
  name: string;
  title: string;
  /** At most 1,000 characters. */
  description: string;
  annotations: CompleteAnnotations;
  /** Where clients list it: smaller numbers first. */
  order: number;
  /** z.strictObject: an unknown argument is refused, not ignored. */
  input: Input;
  output: Output;
  /** Arguments that a model could send; a test checks them. */
  examples?: readonly z.input<Input>[];
}

/** The kinds of effect are those of the ledger; `effect` names the nouns that it needs. */
export type ToolDefinition<Input extends z.ZodObject, Output extends z.ZodObject> = Definition<
  Input,
  Output
> &
  (
    | {
        kind: 'read';
        effect(nouns: Nouns, call: Call, args: z.output<Input>): z.input<Output> | Promise<z.input<Output>>;
      }
    | { kind: 'write'; effect(nouns: Nouns, call: Call, args: z.output<Input>): z.input<Output> }
    | { kind: 'wait'; effect(nouns: Nouns, call: Call, args: z.output<Input>): Waiting<z.input<Output>> }
  );

export function defineTool<Input extends z.ZodObject, Output extends z.ZodObject>(
  definition: ToolDefinition<Input, Output>,
): Tool {
  const { name, title, description, annotations, kind, order, input, output, examples = [] } = definition;
  const inputSchema = portableSchema(input, 'input');
  const check = (args: unknown): z.output<Input> => {
    const given = asMeant(args ?? {}, inputSchema);
    const parsed = input.safeParse(given);
    if (!parsed.success) throw argumentError(name, input, given, parsed.error);
    return wellFormed(parsed.data);
  };
  return {
    name,
    title,
    description,
    annotations,
    kind,
    order,
    examples,
    inputSchema,
    outputSchema: portableSchema(output, 'output'),
    check,
    async call(ledger, caller, args, signal) {
      return ledger.call(
        caller,
        name,
        effectOf(definition, () => check(args)),
        signal,
      );
    },
  };
}

/**
 * Arguments are checked within the effect: the ledger logs a call whose arguments are wrong, and refuses one without
 * a grant first. So is the result: what does not fit its schema is not committed.
 */
function effectOf<Input extends z.ZodObject, Output extends z.ZodObject>(
  definition: ToolDefinition<Input, Output>,
  args: () => z.output<Input>,
): Effect<Record<string, unknown>> {
  const { output } = definition;
  switch (definition.kind) {
    case 'read':
      return {
        kind: 'read',
        run(nouns, call) {
          const result = definition.effect(nouns, call, args());
          return result instanceof Promise
            ? result.then((value) => output.parse(value))
            : output.parse(result);
        },
      };
    case 'write':
      return { kind: 'write', run: (nouns, call) => output.parse(definition.effect(nouns, call, args())) };
    case 'wait':
      return {
        kind: 'wait',
        run(nouns, call) {
          const { until, settle } = definition.effect(nouns, call, args());
          return { until, settle: (how) => output.parse(settle(how)) };
        },
      };
  }
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
