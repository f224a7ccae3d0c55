/** A wide page shows one agent beside the fleet: the first that needs an operator, until another is chosen. */
import { effect } from '@preact/signals';
import { groupsOf } from '../fleet/order.ts';
import { linkTo, place } from './place.ts';
import { agents } from './store.ts';

export function startHome(): void {
  const wide = matchMedia('(min-width: 720px)');
  effect(() => {
    if (place.value.at !== 'home' || !wide.matches) return;
    const first = groupsOf(agents.value.values(), '')[0]?.agents[0];
    if (!first) return;
    history.replaceState(null, '', linkTo(first.name));
    place.value = { at: 'agent', agent: first.name, tab: 'live' };
  });
}
