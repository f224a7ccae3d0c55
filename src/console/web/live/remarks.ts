/** What the host did to an agent's turn, in a sentence: gates, holds, pauses, whose words count. */
import type { EventView } from '../../wire.ts';
import type { ItemOf } from './items.ts';
import { text } from './read.ts';

type Remark = Pick<ItemOf<'note'>, 'level' | 'text'>;
type Data = EventView['data'];

const info = (sentence: string): Remark => ({ level: 'info', text: sentence });
const warn = (sentence: string): Remark => ({ level: 'warn', text: sentence });

const remarks: Record<string, (data: Data, event: EventView) => Remark> = {
  'authority.narrowed': (data) =>
    info(
      `This turn also goes by the words of ${text(data, 'sender') || 'somebody else'}${data.by === 'mail' ? ', whose mail it read' : ''}: what they could not run unasked waits for you.`,
    ),
  'gate.bypassed': () => warn('A tool ran without having asked the gate.'),
  'hold.requested': (_data, { principal }) =>
    info(`${principal} asked it to stand still at the next tool or turn end.`),
  'hold.held': (data) => info(`It stands still: ${text(data, 'evidence') || 'held'}.`),
  'hold.ended': (data) => info(`The hold is over${text(data, 'why') ? `: ${text(data, 'why')}` : ''}.`),
  'run.paused': () => info('Paused: every process of it stands still.'),
  'run.resumed': (data) => info(`Resumed after ${seconds(data.paused_ms)}.`),
  'runs.removed': () => info('Old runs were removed, as the retention says.'),
  'turn.interrupted': () => info('The turn was interrupted.'),
};

export function remarkOf(event: EventView): Remark | null {
  return Object.hasOwn(remarks, event.topic) ? remarks[event.topic]!(event.data, event) : null;
}

function seconds(ms: unknown): string {
  if (typeof ms !== 'number') return 'a while';
  const whole = Math.round(ms / 1_000);
  return whole < 120 ? `${whole} s` : `${Math.round(whole / 60)} min`;
}
