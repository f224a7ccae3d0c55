/** Where the operator is, in the address, so that reload, back and links work. */
import { signal } from '@preact/signals';

export type Tab = 'live' | 'terminal';
export type Place =
  | { at: 'home' }
  | { at: 'fleet' }
  | { at: 'inbox' }
  | { at: 'agent'; agent: string; tab: Tab };

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

export function go(to: Place): void {
  if (to.at === 'agent') location.hash = linkTo(to.agent, to.tab);
  else location.hash = to.at === 'home' ? '#/' : `#/${to.at}`;
}

function parse(hash: string): Place {
  const [, first, name, tab] = hash.split('/');
  if (first === 'inbox') return { at: 'inbox' };
  if (first === 'fleet') return { at: 'fleet' };
  if (first === 'agent' && name) {
    return { at: 'agent', agent: decode(name), tab: tab === 'terminal' ? 'terminal' : 'live' };
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
