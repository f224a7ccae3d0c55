/** What a list of memories is narrowed by, in the address: reload, back and links keep it. */
import type { MemoryFilter } from '../../../host/api.ts';

export const LAYERS = ['semantic', 'episodic', 'procedural', 'social'] as const;
export const STATES = ['live', 'stale', 'possibly_stale', 'superseded', 'expired'] as const;

export interface Asked {
  query: string;
  /** As the host names it; empty: every scope, or the agent's own. */
  scope: string;
  state: (typeof STATES)[number] | '';
  layer: (typeof LAYERS)[number] | '';
  author: string;
  tag: string;
  pinned: boolean;
}

export function readAsked(text: string): Asked {
  const given = new URLSearchParams(text);
  const word = (name: string): string => given.get(name) ?? '';
  const of = <T extends string>(name: string, all: readonly T[]): T | '' =>
    all.find((one) => one === given.get(name)) ?? '';
  return {
    query: word('q'),
    scope: word('scope'),
    state: of('state', STATES),
    layer: of('layer', LAYERS),
    author: word('author'),
    tag: word('tag'),
    pinned: given.has('pinned'),
  };
}

export function writeAsked({ query, pinned, ...words }: Asked): string {
  const given = new URLSearchParams();
  if (query.trim() !== '') given.set('q', query);
  for (const [name, value] of Object.entries(words)) if (value !== '') given.set(name, value);
  if (pinned) given.set('pinned', '');
  return given.toString();
}

/** How many filters are set besides the words. */
export const narrowed = ({ scope, state, layer, author, tag, pinned }: Asked): number =>
  [scope, state, layer, author, tag, pinned].filter(Boolean).length;

/** @param agent whose page it is; null: of the fleet */
export function filterOf(asked: Asked, agent: string | null): MemoryFilter {
  const { query, scope, state, layer, author, tag, pinned } = asked;
  const own = agent !== null && author === '' ? `agent:${agent}` : '';
  const given = { scope: scope || own, query: query.trim(), state, layer, author, tag, pinned };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => Boolean(value)));
}
