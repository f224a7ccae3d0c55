/** The title of the tab begins with what needs the operator. */
import { effect } from '@preact/signals';
import { place } from './place.ts';
import { connection, fleetName, needsYou } from './store.ts';

export function startTitle(): void {
  effect(() => {
    const at = place.value;
    const where = at.at === 'agent' ? at.agent : at.at === 'memory' ? 'Memory' : fleetName.value;
    const need = needsYou.value > 0 ? `${needsYou.value} need${needsYou.value === 1 ? 's' : ''} you` : '';
    const lost = connection.value.phase === 'lost' ? 'Not connected' : '';
    document.title = [need, lost, where, 'aether'].filter(Boolean).join(' · ');
  });
}
