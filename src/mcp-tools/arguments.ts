/** What is wrong with the arguments of a tool call, in words by which a model can correct its next call. */
import type { z } from 'zod';
import { AetherError, nearest } from '../host/errors.ts';
import { cutText } from '../host/text.ts';

/** Of one call; the rest shows when these are mended. */
const PROBLEMS_MAX = 5;

/** @param args what was given; quoted only where it is the choice of a word */
export function argumentError(
  name: string,
  input: z.ZodObject,
  args: unknown,
  error: z.ZodError,
): AetherError {
  const known = Object.keys(input.shape);
  const problems = error.issues.slice(0, PROBLEMS_MAX).flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.slice(0, PROBLEMS_MAX).map((key) => {
        const near = nearest(key, known)[0];
        const hint = near === undefined ? '' : ` (did you mean "${near}"?)`;
        return `there is no argument ${JSON.stringify(cutText(key, { chars_max: 64 }))}${hint}`;
      });
    }
    // What a definition says of its arguments together.
    if (issue.code === 'custom') return [issue.message];
    const path = issue.path.join('.');
    if (path === '') return ['the arguments must be an object'];
    const given = issue.path.reduce<unknown>(
      (value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key],
      args,
    );
    return [given === undefined ? `"${path}" is required` : `"${path}" ${fault(issue, given)}`];
  });
  return new AetherError({
    code: 'tool.arguments',
    who: 'agent',
    message: `${name} was not called: ${problems.join('; ')}.`,
    next: known.length === 0 ? 'It takes no arguments.' : `Its arguments are: ${known.join(', ')}.`,
  });
}

function fault(issue: z.core.$ZodIssue, given: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${TYPES[issue.expected] ?? issue.expected}, not ${typeOf(given)}`;
    case 'invalid_value': {
      const choices = issue.values.map(String);
      const near = typeof given === 'string' ? nearest(given, choices)[0] : undefined;
      const hint = near === undefined ? '' : ` (did you mean "${near}"?)`;
      return `must be one of ${choices.map((choice) => `"${choice}"`).join(', ')}${hint}`;
    }
    case 'too_small':
      if (issue.origin === 'number' || issue.origin === 'int') return `must be at least ${issue.minimum}`;
      if (Number(issue.minimum) === 1) return 'must not be empty';
      return `must have at least ${issue.minimum} ${UNITS[issue.origin] ?? 'entries'}`;
    case 'too_big':
      if (issue.origin === 'number' || issue.origin === 'int') return `must be at most ${issue.maximum}`;
      return `must have at most ${issue.maximum} ${UNITS[issue.origin] ?? 'entries'}${has(given)}`;
    default:
      return `is refused: ${issue.message}`;
  }
}

const UNITS: Record<string, string> = { string: 'characters', array: 'entries' };
const TYPES: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
};

function has(given: unknown): string {
  return typeof given === 'string' || Array.isArray(given) ? `, it has ${given.length}` : '';
}

function typeOf(given: unknown): string {
  if (given === null) return 'null';
  if (Array.isArray(given)) return 'a list';
  if (typeof given === 'number') return `the number ${given}`;
  return TYPES[typeof given] ?? typeof given;
}
