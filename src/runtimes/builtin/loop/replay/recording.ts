/**
 * A recorded conversation: what a model said, in order, to be played again in place of a paid model. The tools
 * it calls are real, and so is everything they answer: later steps refer to those answers by placeholders.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';

const call = z.strictObject({
  tool: z.string().min(1),
  /** Strings in it may hold placeholders. */
  input: z.record(z.string(), z.unknown()).default({}),
  /** Name under which later steps find the result. */
  save: z.string().regex(/^\w+$/).optional(),
});

const condition = z.strictObject({ path: z.string(), equals: z.unknown().optional() });

const step = z
  .strictObject({
    /** Pause before it, so that a person can follow. */
    delay_ms: z.number().int().min(0).max(60_000).default(600),
    say: z.string().optional(),
    /** After a step that ended the turn: begin only when a message holds one of these words. */
    cue: z.array(z.string().min(1)).min(1).optional(),
    call: call.optional(),
    /** Repeats the call until its result has this (a path into the result) or, with `equals`, exactly this. */
    until: condition.optional(),
    /** Gives up when the result has this. */
    unless: condition.optional(),
    /** The call made in the repetitions, where it differs from the first. */
    again: call.omit({ save: true }).optional(),
    every_ms: z.number().int().min(0).max(60_000).default(700),
    attempts_max: z.number().int().min(1).max(10_000).default(60),
  })
  .refine((one) => one.say !== undefined || one.call !== undefined, 'a step needs say or call');

const recording = z.strictObject({
  title: z.string(),
  steps: z.array(step).min(1).max(1_000),
  /** After the end: what to say to a message that holds one of these words. */
  answers: z.array(z.strictObject({ words: z.array(z.string()).min(1), say: z.string() })).default([]),
});

export type Recording = z.infer<typeof recording>;
export type Step = Recording['steps'][number];
export type Condition = z.infer<typeof condition>;

const RECORDING_BYTES_MAX = 1024 * 1024;

/** @throws Error that names the file and what is wrong with it */
export function readRecording(file: string): Recording {
  const text = readFileSync(file, 'utf8');
  if (text.length > RECORDING_BYTES_MAX) {
    throw new Error(`The recording ${file} is larger than ${RECORDING_BYTES_MAX} bytes.`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`The recording ${file} is not JSON: ${(error as Error).message}`);
  }
  const parsed = recording.safeParse(value);
  if (!parsed.success)
    throw new Error(`The recording ${file} is not valid: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
