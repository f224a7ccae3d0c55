/** zod's issues → problems in the words of the file: what was expected, what is there, an example, the nearest key. */
import { z } from 'zod';
import { nearest } from '../errors.ts';
import { asName, NAME_RULE } from '../names.ts';
import { nearestKey } from './nearest.ts';
import type { Problem } from './problems.ts';
import { ownKey } from './runtime-keys.ts';
import { agentSchema, configSchema } from './schema.ts';
import { isSecretName, quoteValue, showPath } from './secrets.ts';

type Issue = z.core.$ZodIssue;
type Schema = z.core.$ZodType;

/** What was parsed; quoted only where it cannot be a secret. */
export interface Parsed {
  value: unknown;
  /** The text of an unquoted scalar as it stands in the file: 1.10 and 0644 are not what was made of them. */
  written(path: readonly string[]): string | null;
}

/**
 * Problems of a value that failed its schema.
 * @param root the schema it failed
 */
export function explainIssues(issues: readonly Issue[], parsed: Parsed, root: Schema): Problem[] {
  const problems = issues.flatMap((issue) => explain(issue, [], parsed, root));
  // A key that is only misspelt is not missing as well.
  const misspelt = new Set(problems.flatMap(({ code, key }) => (code === 'unknown-key' && key ? [key] : [])));
  return problems.filter(({ code, key }) => code !== 'missing-key' || !key || !misspelt.has(key));
}

function explain(issue: Issue, above: readonly string[], parsed: Parsed, root: Schema): Problem[] {
  const path = [...above, ...issue.path.map(String)];
  const schema = schemaAt(root, path);
  const actual = valueAt(parsed.value, path);
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => unknownKey(path, key, schema, actual));
  if (issue.code === 'invalid_union') {
    // The branch that at least has the right shape says more than "matches none of them".
    const branch = issue.errors.find(
      (errors) => errors.length > 0 && errors.every((one) => fits(one, actual)),
    );
    if (branch) return branch.flatMap((one) => explain(one, path, parsed, root));
  }
  if (issue.code === 'invalid_key') return [badName(path)];
  if (actual === undefined && issue.code === 'invalid_type') return [missing(path, schema)];
  const next = `For example: \`${sample(path, schema)}\`.`;
  const problem = (code: string, what: string): Problem[] => [
    { code, path, at: 'value', message: `${name(path)} ${what}.`, next },
  ];
  if (issue.code === 'custom') return problem('wrong-value', issue.message);
  if (issue.code === 'too_small' && issue.origin === 'string') return problem('empty', 'must not be empty');
  if (issue.code === 'too_small' && issue.origin === 'array')
    return problem('empty', 'must not be an empty list');
  if (issue.code === 'too_small') return problem('wrong-value', `must be at least ${issue.minimum}`);
  if (issue.code === 'too_big') return problem('wrong-value', `must be at most ${issue.maximum}`);

  const choices = choicesOf(schema);
  if (typeof actual === 'string' && choices.length > 0) return [wrongChoice(path, actual, choices)];
  return [
    {
      code: 'wrong-type',
      path,
      at: 'value',
      message: `${name(path)} must be ${expected(schema)}, not ${describe(actual, path, parsed.written(path))}.`,
      next: wrongTypeNext(path, actual, parsed.written(path), schema) ?? next,
    },
  ];
}

/** Whether an issue of a union's branch is about what is inside a value of the right shape. */
function fits(issue: Issue, actual: unknown): boolean {
  if (issue.path.length > 0 || issue.code === 'unrecognized_keys' || issue.code === 'too_small') return true;
  return issue.code !== 'invalid_type' && issue.code !== 'invalid_value' && typeof actual === 'string';
}

function unknownKey(path: readonly string[], key: string, schema: Schema | null, actual: unknown): Problem {
  const known = schema ? keysOf(schema, actual) : [];
  const near = nearestKey(key, known);
  // A key of every agent, written for all of them at once.
  const shared = path.length === 0 && near === null && known.includes('defaults') && isSharedKey(key);
  return {
    code: 'unknown-key',
    key: near && [...path, near].join('.'),
    path: [...path, key],
    at: 'key',
    message: `${path.length === 0 ? 'The file' : name(path)} has an unknown key ${quoteValue(key)}${
      near ? `; the nearest known key is "${near}"` : ''
    }.`,
    next: near
      ? `Write \`${near}:\` if that is meant, or remove the line.`
      : shared
        ? `For every agent, write it below \`defaults:\`; for one, below its name.`
        : `Remove it; known here: ${known.join(', ')}.`,
  };
}

const isSharedKey = (key: string): boolean => Object.hasOwn(configSchema.shape.defaults.unwrap().shape, key);

function badName(path: readonly string[]): Problem {
  const written = path.at(-1) ?? '';
  const mended = asName(written);
  return {
    code: 'agent-name',
    path,
    at: 'key',
    message: `${quoteValue(written)} cannot be an agent’s name: it takes ${NAME_RULE}.`,
    next: mended !== null ? `Call it \`${mended}:\`.` : 'Choose a name such as `writer:`.',
  };
}

function missing(path: readonly string[], schema: Schema | null): Problem {
  const parent = path.slice(0, -1);
  return {
    code: 'missing-key',
    key: path.join('.'),
    path: parent,
    at: 'key',
    message: `${parent.length === 0 ? 'The file' : name(parent)} has no \`${path.at(-1)}\`.`,
    next: `Add \`${sample(path, schema)}\`.`,
  };
}

function wrongChoice(path: readonly string[], actual: string, choices: readonly string[]): Problem {
  const inAgent = path.at(-1) === 'runtime';
  const near = [actual.replaceAll('_', '-'), actual, `aether_${actual}`]
    .map((word) => nearest(word, choices)[0])
    .find((word) => word !== undefined);
  return {
    code: inAgent ? 'unknown-runtime' : isTool(path) ? 'unknown-tool' : 'wrong-value',
    path,
    at: 'value',
    message: `${name(path)} cannot be ${quoteValue(actual)}${near ? `; the nearest is "${near}"` : ''}.`,
    next: `Use one of ${choices.join(', ')}.`,
  };
}

function isTool(path: readonly string[]): boolean {
  return path.at(-2) === 'tools';
}

/** The mistakes that have a mend of their own. */
function wrongTypeNext(
  path: readonly string[],
  actual: unknown,
  written: string | null,
  schema: Schema | null,
): string | null {
  const key = path.at(-1) ?? '';
  const mend = ownKey(key)?.mend?.(actual) ?? null;
  if (mend !== null) return mend;
  const wanted = schema ? kindsOf(schema) : [];
  const takes = (value: unknown) => schema !== null && z.safeParse(schema, value).success;
  const scalar = typeof actual === 'number' || typeof actual === 'boolean';
  const line = (shown: string) => `\`${/^\d+$/.test(key) ? '-' : `${key}:`} ${shown}\``;
  const text = written ?? (scalar ? String(actual) : null);
  if (actual === null && key === 'workspace')
    return 'A lone ~ is the empty value in YAML: write `workspace: ~/` for your home, or leave the line out.';
  if (text && (scalar || actual === null) && wanted.includes('string') && takes(text))
    return `Put it in quotes: ${line(isSecretName(key) ? '"…"' : JSON.stringify(text))}.`;
  if (actual === null && takes('')) return `For an empty text write ${line('""')}, or remove the line.`;
  if (typeof actual === 'string' && /^-?\d+$/.test(actual) && takes(Number(actual)))
    return `Write it without quotes: ${line(actual)}.`;
  if (typeof actual === 'string' && wanted.includes('boolean'))
    return `Write \`${key}: ${/^(y|yes|on|1|true)$/i.test(actual) ? 'true' : 'false'}\`.`;
  if (actual === null && wanted.includes('object'))
    return `Indent its keys below it, or remove it. For example: \`${sample(path, schema)}\`.`;
  if (actual === null)
    return `Give it a value, or remove the line. For example: \`${sample(path, schema)}\`.`;
  return null;
}

/* ---------- reading the schema ---------- */

/** Through optionals to what is meant. */
function unwrap(schema: Schema): Schema {
  return schema instanceof z.ZodOptional ? unwrap(schema.unwrap()) : schema;
}

function branches(schema: Schema): Schema[] {
  const plain = unwrap(schema);
  return plain instanceof z.ZodUnion ? plain.options.flatMap((option) => branches(option)) : [plain];
}

function schemaAt(root: Schema, path: readonly string[]): Schema | null {
  let schema: Schema | null = root;
  for (const step of path) {
    if (!schema) return null;
    let below: Schema | null = null;
    for (const branch of branches(schema)) {
      if (branch instanceof z.ZodObject)
        below ??= Object.hasOwn(branch.shape, step) ? branch.shape[step]! : null;
      else if (branch instanceof z.ZodRecord) below ??= branch.valueType;
      else if (branch instanceof z.ZodArray && /^\d+$/.test(step)) below ??= branch.element;
    }
    schema = below;
  }
  return schema;
}

function keysOf(schema: Schema, actual: unknown): string[] {
  if (typeof actual !== 'object' || actual === null) return [];
  return branches(schema).flatMap((branch) =>
    branch instanceof z.ZodObject ? Object.keys(branch.shape) : [],
  );
}

function kindsOf(schema: Schema): string[] {
  return branches(schema).map((branch) => branch._zod.def.type);
}

function choicesOf(schema: Schema | null): string[] {
  const all = schema ? branches(schema) : [];
  // A union that takes any text has no choices.
  if (all.some((branch) => branch instanceof z.ZodString)) return [];
  return all.flatMap((branch) => (branch instanceof z.ZodEnum ? branch.options.map(String) : []));
}

const KINDS: Record<string, string> = {
  string: 'text',
  number: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping of keys',
  record: 'a mapping of names',
};

function expected(schema: Schema | null): string {
  if (!schema) return 'something else';
  const words = branches(schema).map((branch) =>
    branch instanceof z.ZodEnum
      ? `one of ${branch.options.join(', ')}`
      : (KINDS[branch._zod.def.type] ?? branch._zod.def.type),
  );
  return [...new Set(words)].join(', or ');
}

function describe(actual: unknown, path: readonly string[], written: string | null): string {
  if (actual === null || actual === undefined) return written ? `the empty value ${written}` : 'empty';
  if (Array.isArray(actual)) return 'a list';
  if (typeof actual === 'object') return 'a mapping';
  // What stands below auth or env may be a secret, whatever its form.
  const quiet = path.includes('auth') || path.includes('env');
  if (typeof actual === 'string') return quiet ? 'text' : `the text ${quoteValue(actual)}`;
  return quiet ? `a ${typeof actual}` : `the ${typeof actual} ${written ?? actual}`;
}

/** `key: example` of a schema, on one line. */
function sample(path: readonly string[], schema: Schema | null): string {
  const example = schema ? examplesOf(schema)[0] : undefined;
  const key = path.at(-1) ?? 'agents';
  const shown = example === undefined ? '…' : flow(example);
  return /^\d+$/.test(key) ? `- ${shown}` : `${key}: ${shown}`;
}

function examplesOf(schema: Schema): unknown[] {
  const meta = z.globalRegistry.get(schema) ?? z.globalRegistry.get(unwrap(schema));
  return (meta?.examples as unknown[] | undefined) ?? [];
}

/** A value in YAML's flow style. */
function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`;
  if (typeof value === 'object' && value !== null)
    return `{ ${Object.entries(value)
      .map(([key, item]) => `${key}: ${flow(item)}`)
      .join(', ')} }`;
  if (typeof value === 'string') return /[:#{}[\],&*!|>'"%@`]/.test(value) ? JSON.stringify(value) : value;
  return String(value);
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  let here = value;
  for (const step of path) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, step)) return undefined;
    here = (here as Record<string, unknown>)[step];
  }
  return here;
}

function name(path: readonly string[]): string {
  return path.length === 0 ? 'The file' : showPath(path);
}

/** Problems of a whole file, or none. */
export function explainConfig(value: unknown, written: Parsed['written']): Problem[] {
  const parsed = configSchema.safeParse(value);
  return parsed.success ? [] : explainIssues(parsed.error.issues, { value, written }, configSchema);
}

/** Whether one agent's part has the right form by itself. */
export function isAgent(value: unknown): value is z.infer<typeof agentSchema> {
  return agentSchema.safeParse(value).success;
}
