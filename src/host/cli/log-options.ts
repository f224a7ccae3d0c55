/** The options of `aether logs`, named as in common tools; checked once, before anything is read. */
import { AetherError, messageOf } from '../errors.ts';
import { whenOf } from './when.ts';

export interface LogOptions {
  follow?: boolean;
  json?: boolean;
  raw?: boolean;
  timestamps?: boolean;
  tail?: string;
  last?: string;
  since?: string;
  until?: string;
  grep?: string;
}

/** What is to be shown. */
export interface LogFilter {
  follow: boolean;
  json: boolean;
  raw: boolean;
  timestamps: boolean;
  /** The newest so many; null: all. */
  tail: number | null;
  since_ms: number | undefined;
  until_ms: number | undefined;
  matches(text: string): boolean;
  /** Something is left out by what it says. */
  grep: boolean;
}

const TAIL = 200;
const TAIL_MAX = 100_000;

/** @throws AetherError `usage.last` `usage.time` `usage.grep` `usage.raw` */
export function logFilterOf(options: LogOptions, now_ms: number): LogFilter {
  const { since, until, grep, raw = false, json = false, timestamps = false } = options;
  const since_ms = since === undefined ? undefined : whenOf('--since', since, now_ms);
  const until_ms = until === undefined ? undefined : whenOf('--until', until, now_ms);
  if (raw && (json || timestamps || grep !== undefined)) {
    throw new AetherError({
      code: 'usage.raw',
      who: 'user',
      message:
        '--raw gives the bytes as they were printed, not lines: it cannot be used with --json, --timestamps or --grep.',
      next: 'Leave out one of them.',
    });
  }
  const pattern = grep === undefined ? null : patternOf(grep);
  const narrowed = since !== undefined || until !== undefined || grep !== undefined;
  return {
    ...{ follow: options.follow ?? false, json, raw, timestamps, since_ms, until_ms },
    tail: tailOf(options, narrowed ? null : TAIL),
    matches: (text) => pattern === null || pattern.test(text),
    grep: pattern !== null,
  };
}

function tailOf({ tail, last }: LogOptions, usual: number | null): number | null {
  const given = tail ?? last;
  if (given === undefined) return usual;
  if (given === 'all') return null;
  const count = Number(given);
  if (Number.isInteger(count) && count >= 0 && count <= TAIL_MAX) return count;
  throw new AetherError({
    code: 'usage.last',
    who: 'user',
    message: `${tail === undefined ? '--last' : '--tail'} is a number from 0 to ${TAIL_MAX} or all, not ${given}.`,
    next: `Leave it out for the newest ${TAIL}.`,
  });
}

/** All in small letters finds capitals, too, as journalctl has it. */
function patternOf(grep: string): RegExp {
  try {
    return new RegExp(grep, /\p{Lu}/u.test(grep) ? 'u' : 'iu');
  } catch (error) {
    throw new AetherError({
      code: 'usage.grep',
      who: 'user',
      message: `--grep ${grep} is not a regular expression: ${messageOf(error)}.`,
      next: 'Put a backslash before a character that is meant literally.',
    });
  }
}
