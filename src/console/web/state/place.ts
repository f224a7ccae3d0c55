/** Where the operator is, in the address, so that reload, back and links work. */
import { signal } from '@preact/signals';

export const TABS = ['live', 'terminal', 'memory'] as const;
export type Tab = (typeof TABS)[number];

/** A list of memories, or one of them. `asked`: what the list is narrowed by, as it stands in the address after `?`. */
export interface MemoryPlace {
  memory: string | null;
  asked: string;
}

export type Place =
  | { at: 'home' }
  | { at: 'fleet' }
  | { at: 'inbox' }
  | ({ at: 'memory' } & MemoryPlace)
  | ({ at: 'agent'; agent: string; tab: Tab } & Partial<MemoryPlace>);

export const place = signal<Place>({ at: 'home' });

export function startPlace(): void {
  const read = (): void => {
    place.value = parse(location.hash);
  };
  addEventListener('hashchange', read);
  read();
}

export function linkTo(agent: string, tab: Tab = 'live'): string {
  return `#/agent/${encodeURIComponent(agent)}${tab === 'live' ? '' : `/${tab}`}`;
}

/** @param agent null: of the whole fleet */
export function linkToMemory(
  agent: string | null,
  { memory = null, asked = '' }: Partial<MemoryPlace> = {},
): string {
  const list = agent === null ? '#/memory' : linkTo(agent, 'memory');
  return `${list}${memory === null ? '' : `/${encodeURIComponent(memory)}`}${asked === '' ? '' : `?${asked}`}`;
}

/** The list is narrowed by something else: going back skips it. */
export function askMemories(agent: string | null, asked: string): void {
  history.replaceState(null, '', linkToMemory(agent, { asked }));
  place.value = parse(location.hash);
}

export function go(to: Place): void {
  if (to.at === 'memory') location.hash = linkToMemory(null, to);
  else if (to.at === 'agent')
    location.hash = to.tab === 'memory' ? linkToMemory(to.agent, to) : linkTo(to.agent, to.tab);
  else location.hash = to.at === 'home' ? '#/' : `#/${to.at}`;
}

function parse(hash: string): Place {
  const [path = '', asked = ''] = hash.split('?');
  const [, first, name, tab, below] = path.split('/');
  if (first === 'inbox') return { at: 'inbox' };
  if (first === 'fleet') return { at: 'fleet' };
  if (first === 'memory') return { at: 'memory', memory: name ? decode(name) : null, asked };
  if (first === 'agent' && name) {
    const agent = decode(name);
    if (tab !== 'memory') return { at: 'agent', agent, tab: tab === 'terminal' ? 'terminal' : 'live' };
    return { at: 'agent', agent, tab, memory: below ? decode(below) : null, asked };
  }
  return { at: 'home' };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
