/**
 * The observer of an engine whose program of ours prints ObservedEvents, one JSON object a line. They are checked all the
 * same, because the program runs where the agent's commands run and its output is not trusted more than any other's.
 */
import { z } from 'zod';
import { shortText } from '../host/text.ts';
import type { EngineState, ObservedEvent, Observer } from './runtime.ts';

const activity = z.enum([
  'starting',
  'thinking',
  'tool',
  'idle',
  'waiting-for-operator',
  'rate-limited',
  'held',
  'paused',
  'unknown',
]);
const count = z.int().nonnegative();

/** A conversation is named after the run that began it: no path, no option. */
export const SESSION = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/;

const event = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready') }),
  z.object({
    kind: z.literal('activity'),
    activity,
    evidence: z.string(),
    tool: z.string().exactOptional(),
  }),
  z.object({ kind: z.literal('session'), session: z.string().regex(SESSION) }),
  z.object({
    kind: z.literal('message'),
    role: z.enum(['user', 'assistant']),
    text: z.string(),
    key: z.string().exactOptional(),
    injectId: z.string().exactOptional(),
    thinking: z.boolean().exactOptional(),
  }),
  z.object({ kind: z.literal('tool-call'), toolUseId: z.string(), tool: z.string(), input: z.unknown() }),
  z.object({
    kind: z.literal('tool-result'),
    toolUseId: z.string(),
    text: z.string(),
    isError: z.boolean(),
  }),
  z.object({
    kind: z.literal('permission-asked'),
    requestId: z.string(),
    tool: z.string(),
    input: z.unknown(),
    toolUseId: z.string().exactOptional(),
  }),
  z.object({ kind: z.literal('permission-withdrawn'), requestId: z.string() }),
  z.object({
    kind: z.literal('gate-asked'),
    requestId: z.string(),
    tool: z.string(),
    input: z.unknown(),
    toolUseId: z.string(),
    subagent: z.string().exactOptional(),
  }),
  z.object({ kind: z.literal('gate-withdrawn'), requestId: z.string() }),
  z.object({
    kind: z.literal('subagent'),
    id: z.string(),
    phase: z.enum(['began', 'working', 'ended']),
    label: z.string().exactOptional(),
    task: z.string().exactOptional(),
    tokens: count.exactOptional(),
    outcome: z.enum(['done', 'failed', 'interrupted']).exactOptional(),
  }),
  z.object({
    kind: z.literal('recall-asked'),
    requestId: z.string(),
    at: z.enum(['start', 'later', 'compaction']),
    words: z.string().exactOptional(),
  }),
  z.object({
    kind: z.literal('inject'),
    injectId: z.string(),
    stage: z.enum(['delivered', 'seen', 'acted', 'cancelled']),
    evidence: z.string(),
  }),
  z.object({
    kind: z.literal('turn-ended'),
    outcome: z.enum(['done', 'failed', 'interrupted']),
    text: z.string().exactOptional(),
  }),
  z.object({ kind: z.literal('interrupted'), requestId: z.string() }),
  z.object({
    kind: z.literal('mcp-status'),
    servers: z.array(z.object({ name: z.string(), status: z.string() })),
  }),
  z.object({
    kind: z.literal('usage'),
    model: z.string(),
    input_tokens: count,
    output_tokens: count,
    cache_read_tokens: count,
    cache_write_tokens: count,
    cost_usd: z.number().nullable(),
    key: z.string().exactOptional(),
  }),
  z.object({ kind: z.literal('retrying'), attempt: count, delay_ms: z.number(), why: z.string() }),
  z.object({ kind: z.literal('note'), level: z.enum(['info', 'warn', 'error']), text: z.string() }),
]);

/** Longest part of a bad line that is shown. */
const SHOWN_CHARS = 300;

export const lineObserver: Observer = {
  initial: (session) => ({ session }),
  line(state, source, text) {
    if (text.trim() === '') return { state, events: [] };
    if (source === 'err') return { state, events: [note('warn', text)] };
    const parsed = parse(text);
    if (parsed === null) {
      return { state, events: [note('warn', `A line of the engine could not be read: ${text}`)] };
    }
    return { state: next(state, parsed), events: [parsed] };
  },
};

function parse(text: string): ObservedEvent | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const result = event.safeParse(value);
  return result.success ? result.data : null;
}

function next(state: EngineState, seen: ObservedEvent): EngineState {
  return seen.kind === 'session' && seen.session !== state.session
    ? { ...state, session: seen.session }
    : state;
}

function note(level: 'warn', text: string): ObservedEvent {
  return { kind: 'note', level, text: shortText(text, SHOWN_CHARS) };
}
