/**
 * Checks what an observer made of an engine's output before anything is stored. The values come from a program
 * that is not trusted: a count that is a string, an id with a NUL or an input nested 20,000 deep would be refused
 * by the store, or break a later reader of it. A fact that fails here is left out and the run goes on.
 */
import type { Activity, ObservedEvent, RecallMoment } from '../../runtimes/runtime.ts';
import type { TurnOutcome } from '../../runtimes/turn-habits.ts';
import { limits } from '../limits.ts';
import { cutText } from '../text.ts';

/** @returns the value to keep; throws when there is none */
type Rule = (value: unknown) => unknown;
type Fields<K extends ObservedEvent['kind']> = Exclude<keyof Extract<ObservedEvent, { kind: K }>, 'kind'>;

const text: Rule = (value) => {
  if (typeof value !== 'string') throw new Error(`is ${nameOf(value)} instead of a text`);
  return value.toWellFormed();
};

/** Ids, keys and names: stored in keys and written into frames, so short and without control characters. */
const id: Rule = (value) => {
  if (typeof value !== 'string' || value === '') throw new Error(`is ${nameOf(value)} instead of a name`);
  if (value.length > limits.observed_id_chars_max) throw new Error(`has ${value.length} characters`);
  if (/\p{Cc}/u.test(value)) throw new Error('has a control character');
  if (!value.isWellFormed()) throw new Error('has half a character');
  return value;
};

/** Runtimes make paths and arguments of it: neither an option nor a way out of a directory, whatever their own form. */
const session: Rule = (value) => {
  if (/^[A-Za-z0-9][\w.:-]*$/.test(id(value) as string)) return value;
  throw new Error(`is ${nameOf(value)} instead of the id of a conversation`);
};

const count: Rule = (value) => {
  if (Number.isSafeInteger(value) && between(value as number, limits.observed_count_max)) return value;
  throw new Error(`is ${nameOf(value)} instead of a count`);
};

const amount: Rule = (value) => {
  if (Number.isFinite(value) && between(value as number, limits.observed_count_max)) return value;
  throw new Error(`is ${nameOf(value)} instead of an amount`);
};

const flag: Rule = (value) => {
  if (typeof value === 'boolean') return value;
  throw new Error(`is ${nameOf(value)} instead of true or false`);
};

const json: Rule = (value) => tidied(value, 0);

const optional =
  (rule: Rule): Rule =>
  (value) =>
    value === undefined ? undefined : rule(value);

const orNull =
  (rule: Rule): Rule =>
  (value) =>
    value === null ? null : rule(value);

const oneOf =
  <T extends string>(names: Record<T, true>): Rule =>
  (value) => {
    if (typeof value === 'string' && Object.hasOwn(names, value)) return value;
    throw new Error(`is ${nameOf(value)} instead of one of ${Object.keys(names).join(', ')}`);
  };

const activity = oneOf<Activity>({
  starting: true,
  thinking: true,
  tool: true,
  idle: true,
  'waiting-for-operator': true,
  'rate-limited': true,
  held: true,
  paused: true,
  unknown: true,
});

const outcome = oneOf<TurnOutcome>({ done: true, failed: true, interrupted: true });

const servers: Rule = (value) => {
  if (!Array.isArray(value) || value.length > limits.observed_servers_max)
    throw new Error('is no list, or too long');
  return value.map((server) => ({ name: text(server?.name), status: text(server?.status) }));
};

const asked = { requestId: id, tool: id, input: json };

/** Every field of every kind: one that is missing here does not compile. */
const rules: { [K in ObservedEvent['kind']]: Record<Fields<K>, Rule> } = {
  ready: {},
  activity: { activity, evidence: text, tool: optional(id) },
  session: { session },
  message: {
    role: oneOf<'user' | 'assistant'>({ user: true, assistant: true }),
    text,
    key: optional(id),
    injectId: optional(id),
    thinking: optional(flag),
  },
  'tool-call': { toolUseId: id, tool: id, input: json },
  'tool-result': { toolUseId: id, text, isError: flag },
  'permission-asked': { ...asked, toolUseId: optional(id) },
  'permission-withdrawn': { requestId: id },
  'gate-asked': { ...asked, toolUseId: id, subagent: optional(id), cwd: optional(text) },
  'gate-withdrawn': { requestId: id },
  subagent: {
    id,
    phase: oneOf<'began' | 'working' | 'ended'>({ began: true, working: true, ended: true }),
    label: optional(text),
    task: optional(text),
    tokens: optional(count),
    outcome: optional(outcome),
  },
  'recall-asked': {
    requestId: id,
    at: oneOf<RecallMoment>({ start: true, later: true, compaction: true }),
    words: optional(text),
    patient: optional(flag),
  },
  inject: {
    injectId: id,
    stage: oneOf<Extract<ObservedEvent, { kind: 'inject' }>['stage']>({
      delivered: true,
      taken: true,
      seen: true,
      acted: true,
      cancelled: true,
      dropped: true,
    }),
    evidence: text,
  },
  'turn-ended': {
    outcome,
    text: optional(text),
  },
  interrupted: { requestId: id },
  'mcp-status': { servers },
  usage: {
    model: id,
    input_tokens: count,
    output_tokens: count,
    cache_read_tokens: count,
    cache_write_tokens: count,
    cost_usd: orNull(amount),
    key: optional(id),
  },
  retrying: { attempt: count, delay_ms: amount, why: text },
  note: { level: oneOf<'info' | 'warn' | 'error'>({ info: true, warn: true, error: true }), text },
};

/** @throws Error that names the field and says what is wrong with it */
export function checked(event: ObservedEvent): ObservedEvent {
  const { kind } = event;
  if (typeof kind !== 'string' || !Object.hasOwn(rules, kind)) throw new Error('it is of no known kind');
  const kept: Record<string, unknown> = { kind };
  for (const [name, rule] of Object.entries<Rule>(rules[kind])) {
    const value = checkedField(kind, name, rule, (event as unknown as Record<string, unknown>)[name]);
    if (value !== undefined) kept[name] = value;
  }
  return kept as unknown as ObservedEvent;
}

function checkedField(kind: string, name: string, rule: Rule, value: unknown): unknown {
  try {
    return rule(value);
  } catch (error) {
    throw new Error(`${name} of ${kind} ${(error as Error).message}`, { cause: error });
  }
}

const between = (value: number, most: number): boolean => value >= 0 && value <= most;

/** The same JSON value, without halves of characters; the same object where nothing is to be changed. */
function tidied(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return value.isWellFormed() ? value : value.toWellFormed();
  if (value === null || typeof value !== 'object') return value;
  if (depth > limits.observed_depth_max) throw new Error(`is nested more than ${depth - 1} deep`);
  if (Array.isArray(value)) {
    const items = value.map((item) => tidied(item, depth + 1));
    return items.every((item, at) => item === value[at]) ? value : items;
  }
  const entries = Object.entries(value);
  const kept = entries.map(([key, item]) => [key.toWellFormed(), tidied(item, depth + 1)] as const);
  const same = kept.every(([key, item], at) => key === entries[at]![0] && item === entries[at]![1]);
  return same ? value : Object.fromEntries(kept);
}

function nameOf(value: unknown): string {
  if (value === null || typeof value === 'number') return String(value);
  if (typeof value === 'string')
    return value === '' ? 'empty' : `the text ${JSON.stringify(cutText(value, { chars_max: 40 }))}`;
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`;
}
