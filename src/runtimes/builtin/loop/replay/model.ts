/**
 * A language model that plays a recording. It decides nothing: the next reply follows from the conversation
 * so far. It never pretends to have understood a person, and says so when it is spoken to.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { shortText } from '../../../../host/text.ts';
import type { Model } from '../model.ts';
import { fill, fillText, lookUp, MissingValue } from './placeholders.ts';
import { type Mark, type Position, positionIn } from './position.ts';
import { type Condition, type Recording, readRecording, type Step } from './recording.ts';

type ReplayModel = Extract<Model, { specificationVersion: 'v4' }>;
type StreamPart =
  Awaited<ReturnType<ReplayModel['doStream']>>['stream'] extends ReadableStream<infer PART> ? PART : never;

interface Reply {
  delay_ms: number;
  text: string;
  call: { tool: string; input: unknown } | null;
  mark: Mark;
}

/** A pause between words, so that text is seen to be written. */
const WORDS_DELAY_MS = 30;
const WORDS_AT_ONCE = 4;
const QUOTED_CHARS = 160;

/** @param file absolute path of the recording */
export function replayModel(file: string): ReplayModel {
  const recording = readRecording(file);
  return {
    specificationVersion: 'v4',
    provider: 'replay',
    modelId: file,
    supportedUrls: {},
    doGenerate: () => Promise.reject(new Error('A replay can only be streamed.')),
    async doStream({ prompt, abortSignal }) {
      const reply = nextReply(recording, positionIn(prompt));
      return { stream: ReadableStream.from(play(reply, abortSignal)) };
    },
  };
}

/** What the recording says next. Exported for tests: it is the whole of the model's judgement. */
export function nextReply(recording: Recording, position: Position): Reply {
  const at = follow(recording, position);
  if (typeof at !== 'number') return at;
  const step = recording.steps[at];
  if (!step) return spokenTo(recording, position, at);
  const unexpected = position.mark === null ? [] : position.heard.filter((text) => !isCue(step, text));
  if (step.cue && position.heard.length === unexpected.length) return spokenTo(recording, position, at);
  const repeated = position.mark?.step === at;
  const call = repeated && step.again && position.result?.failed === false ? step.again : step.call;
  const say = repeated ? '' : (step.say ?? '');
  try {
    return {
      delay_ms: repeated && unexpected.length === 0 ? step.every_ms : step.delay_ms,
      text: [acknowledge(unexpected), fillText(say, position.results)]
        .filter((part) => part !== '')
        .join('\n\n'),
      call: call ? { tool: call.tool, input: fill(call.input, position.results) } : null,
      mark: {
        step: at,
        attempt: repeated ? (position.mark?.attempt ?? 0) + 1 : 1,
        save: step.call?.save ?? '',
      },
    };
  } catch (error) {
    if (!(error instanceof MissingValue)) throw error;
    return ends(at - 1, `The recording cannot go on: ${error.message}.`);
  }
}

/** The step after the last reply, the same one again, or the reply that says why it cannot go on. */
function follow(recording: Recording, position: Position): number | Reply {
  const { mark, result, called, heard } = position;
  if (mark === null) return 0;
  const step = recording.steps[mark.step];
  if (!step || !called || satisfied(step, result)) return mark.step + 1;
  // A person who says something asks for another try.
  if (heard.length > 0) return mark.step;
  const again = 'Say anything to try again.';
  if (result?.denied) {
    return ends(mark.step - 1, `The recording cannot go on: a tool it needs was not allowed. ${again}`);
  }
  if (step.unless && result && holds(step.unless, result.value)) {
    return ends(mark.step - 1, `The recording cannot go on without an answer it was not given. ${again}`);
  }
  if (mark.attempt < step.attempts_max) return mark.step;
  const waited = step.until?.path ?? step.call?.tool;
  return ends(
    mark.step - 1,
    `The recording cannot go on: after ${mark.attempt} tries it still waits for ${waited}. ${again}`,
  );
}

/** A call that failed or was interrupted has not been played, whatever the recording says came next. */
function satisfied(step: Step, result: Position['result']): boolean {
  if (!result || result.failed) return false;
  return !step.until || holds(step.until, result.value);
}

function holds(condition: Condition, value: unknown): boolean {
  const found = lookUp(value, condition.path);
  if (condition.equals === undefined) return found !== undefined;
  return JSON.stringify(found) === JSON.stringify(condition.equals);
}

function isCue(step: Step, text: string): boolean {
  return step.cue?.some((word) => text.toLowerCase().includes(word.toLowerCase())) === true;
}

/** An answer to a message that the recording does not know: after its end, or while it waits for another. */
function spokenTo(recording: Recording, position: Position, at: number): Reply {
  const heard = position.heard.join(' ').toLowerCase();
  const answer = recording.answers.find(({ words }) =>
    words.some((word) => heard.includes(word.toLowerCase())),
  );
  const why =
    at < recording.steps.length
      ? 'It is not finished: it waits for something else before it continues.'
      : 'It has been played to its end.';
  const honest = `This is a recorded conversation (“${recording.title}”). ${why} Your message arrived, but there is no model here that could think about it. Give this agent a real model in aether.yaml to talk to it.`;
  try {
    const known = answer ? fillText(answer.say, position.results) : '';
    return ends(
      at - 1,
      known === '' ? honest : `${known}\n\n(Played from a recording: no model is answering.)`,
    );
  } catch (error) {
    if (!(error instanceof MissingValue)) throw error;
    return ends(at - 1, honest);
  }
}

function acknowledge(heard: string[]): string {
  if (heard.length === 0) return '';
  const said = heard.join(' / ').replace(/\s+/g, ' ').trim();
  const quoted = shortText(said, QUOTED_CHARS);
  return `(I am a recording, so I cannot weigh what you wrote: “${quoted}”. It arrived; I go on as recorded.)`;
}

/** Text that ends the turn and leaves the recording after the step `at`. */
function ends(at: number, text: string): Reply {
  return { delay_ms: 300, text, call: null, mark: { step: at, attempt: 0, save: '' } };
}

async function* play(reply: Reply, signal: AbortSignal | undefined): AsyncGenerator<StreamPart> {
  const options = signal ? { signal } : {};
  const providerMetadata = { replay: { ...reply.mark } };
  yield { type: 'stream-start', warnings: [] };
  await sleep(reply.delay_ms, undefined, options);
  if (reply.text !== '') {
    yield { type: 'text-start', id: 'text', providerMetadata };
    const words = reply.text.match(/\S+\s*|\s+/g) ?? [];
    for (let index = 0; index < words.length; index += WORDS_AT_ONCE) {
      yield { type: 'text-delta', id: 'text', delta: words.slice(index, index + WORDS_AT_ONCE).join('') };
      await sleep(WORDS_DELAY_MS, undefined, options);
    }
    yield { type: 'text-end', id: 'text', providerMetadata };
  }
  if (reply.call) {
    yield {
      type: 'tool-call',
      toolCallId: `call_${randomUUID().replaceAll('-', '')}`,
      toolName: reply.call.tool,
      input: JSON.stringify(reply.call.input),
      providerMetadata,
    };
  }
  const none = { total: 0, noCache: 0, cacheRead: 0, cacheWrite: 0 };
  yield {
    type: 'finish',
    usage: { inputTokens: none, outputTokens: { total: 0, text: 0, reasoning: 0 } },
    finishReason: { unified: reply.call ? 'tool-calls' : 'stop', raw: undefined },
  };
}
