/** What memories are called on the page. */
import type { MemoryStory } from '../../../host/api.ts';

type State = MemoryStory['memory']['state'];

export const STATE_WORD: Record<State, string> = {
  live: 'live',
  stale: 'stale',
  possibly_stale: 'possibly stale',
  superseded: 'superseded',
  expired: 'expired',
};

export const STATE_MEANING: Record<State, string> = {
  live: 'It stands: nothing has replaced it, and nothing that it rests on has changed.',
  stale: 'Something that it rests on, as its author said, has changed, is over or was forgotten.',
  possibly_stale:
    'Something that its author had been shown before storing it has changed, is over or was forgotten.',
  superseded: 'A newer statement took its place; this one is history.',
  expired: 'Its time is over.',
};

export const LAYER_MEANING: Record<string, string> = {
  episodic: 'episodic: what happened',
  semantic: 'semantic: what is so',
  procedural: 'procedural: how something is done',
  social: 'social: who people are, what they prefer',
};

export const IMPORTANCE = ['little', 'normal', 'much', 'most'];

/** `agent:coder` → coder; `branch:ID:main` → branch main. */
export function holderName(holder: string): string {
  if (holder === 'fleet') return 'whole fleet';
  const [kind, id = '', ...rest] = holder.split(':');
  if (kind === 'agent') return [id, ...rest].join(':');
  if (kind === 'workspace') return `workspace ${id.slice(0, 8)}`;
  if (kind === 'branch') return `branch ${rest.join(':')}`;
  return `${kind} ${[id, ...rest].join(':')}`;
}

/** Of a principal: `agent:coder` → coder. */
export const whoName = (principal: string): string => principal.replace(/^agent:/, '');

/** Ids of one day begin alike. */
export const shortId = (id: string): string => `…${id.slice(-6)}`;

export const countOf = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString('en')} ${count === 1 ? one : many}`;

const UNITS = [
  [1024 ** 3, 'GiB'],
  [1024 ** 2, 'MiB'],
  [1024, 'KiB'],
] as const;

export function sizeOf(bytes: number): string {
  const [unit, name] = UNITS.find(([least]) => bytes >= least) ?? [1, 'B'];
  const value = bytes / unit;
  return `${value < 10 && unit > 1 ? value.toFixed(1) : Math.round(value)} ${name}`;
}

const day = new Intl.DateTimeFormat(undefined, {
  year: 'numeric',
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
});

/** Memories outlive years. */
export const dateOf = (ms: number): string => day.format(ms);
