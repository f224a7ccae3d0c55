/**
 * The conversation's transcript, read while a person holds the terminal. Same messages and uuids as the structured
 * channel. It shows neither permission dialogs nor what is being typed.
 */
import { messageOf } from '../../host/errors.ts';
import type { EngineState, ObservedEvent, TranscriptTail } from '../runtime.ts';
import { blocksOf, isInterruptRemark, readAssistant, readToolResults } from './messages.ts';
import { Reading } from './state.ts';

type Entry = Record<string, unknown>;

export function transcriptTail(path: string): TranscriptTail {
  return { path, line: readEntry };
}

function readEntry(state: EngineState, text: string): { state: EngineState; events: ObservedEvent[] } {
  let entry: unknown;
  try {
    entry = JSON.parse(text);
  } catch {
    return noted(state, 'The transcript has a line that is not JSON.');
  }
  // Sidechains are subagents; meta entries are the engine talking to itself.
  const { type, isSidechain, isMeta } = (entry ?? {}) as Entry;
  if (isSidechain === true || isMeta === true) return { state, events: [] };
  const reading = new Reading(state);
  try {
    if (type === 'user') readUser(reading, entry as Entry);
    else if (type === 'assistant') readReply(reading, entry as Entry);
    else if (type === 'system' && (entry as Entry).subtype === 'turn_duration') ended(reading, 'done');
    else return { state, events: [] };
  } catch (error) {
    // A known type in an unknown shape: said, and read on.
    return noted(state, `The transcript has an entry that could not be read (${messageOf(error)}).`);
  }
  return reading.result();
}

function noted(state: EngineState, text: string): { state: EngineState; events: ObservedEvent[] } {
  return { state, events: [{ kind: 'note', level: 'warn', text }] };
}

function readUser(reading: Reading, entry: Entry): void {
  reading.session(entry.sessionId);
  const content = (entry.message as { content?: unknown } | undefined)?.content;
  readToolResults(reading, content);
  if (isInterruptRemark(content)) {
    ended(reading, 'interrupted');
    return;
  }
  const text = blocksOf(content)
    .flatMap((block) => (block.type === 'text' && block.text ? [block.text] : []))
    .join('\n');
  if (text === '' || entry.isCompactSummary === true) return;
  reading.emit({ kind: 'message', role: 'user', text: withoutTags(text), key: String(entry.uuid) });
  if (!/^<(local-command|bash-)/.test(text))
    reading.activity('thinking', 'a message was sent in the terminal');
}

function readReply(reading: Reading, entry: Entry): void {
  const message = entry.message as { id?: string; model?: string; content?: unknown; usage?: Entry };
  if (entry.isApiErrorMessage === true) {
    const text = blocksOf(message.content)
      .map((block) => block.text ?? '')
      .join('\n');
    ended(reading, 'failed', text);
    return;
  }
  readAssistant(reading, String(entry.uuid), message.content, false);
  countUsage(reading, message);
}

/** Every block of one message repeats its usage. The price is not written down. */
function countUsage(reading: Reading, message: { id?: string; model?: string; usage?: Entry }): void {
  const { id, model, usage } = message;
  if (!id || !model || !usage || reading.state.counted === id) return;
  reading.state.counted = id;
  reading.emit({
    kind: 'usage',
    model,
    input_tokens: Number(usage.input_tokens ?? 0),
    output_tokens: Number(usage.output_tokens ?? 0),
    cache_read_tokens: Number(usage.cache_read_input_tokens ?? 0),
    cache_write_tokens: Number(usage.cache_creation_input_tokens ?? 0),
    cost_usd: null,
    key: id,
  });
}

function ended(reading: Reading, outcome: 'done' | 'failed' | 'interrupted', text?: string): void {
  reading.state.tools = {};
  reading.emit({ kind: 'turn-ended', outcome, ...(text ? { text } : {}) });
  reading.activity('idle', `the turn in the terminal ended: ${outcome}`);
}

/** `!echo hi` and slash commands are written as tagged text: shown as what the human typed. */
function withoutTags(text: string): string {
  const command = /<command-name>([^<]*)<\/command-name>/.exec(text)?.[1];
  if (command !== undefined) {
    return `${command} ${/<command-args>([^<]*)<\/command-args>/.exec(text)?.[1] ?? ''}`.trim();
  }
  const shell = /^<bash-input>([\s\S]*)<\/bash-input>$/.exec(text)?.[1];
  if (shell !== undefined) return `!${shell}`;
  return text.replace(/<\/?(bash-stdout|bash-stderr|local-command-stdout|local-command-stderr)>/g, '');
}
