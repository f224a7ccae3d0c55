/** What the host did to an agent's turn, in a sentence: gates, whose words count. */
import type { ItemOf } from './items.ts';
import { type LooseEvent, text } from './read.ts';

type Remark = Pick<ItemOf<'note'>, 'level' | 'text'>;
type Data = Record<string, unknown>;

const info = (sentence: string): Remark => ({ level: 'info', text: sentence });
const warn = (sentence: string): Remark => ({ level: 'warn', text: sentence });

const remarks: Record<string, (data: Data) => Remark> = {
  'authority.narrowed': (data) =>
    info(
      `This turn also goes by the words of ${text(data, 'sender') || 'somebody else'}${data.by === 'mail' ? ', whose mail it read' : ''}: what they could not run unasked waits for you.`,
    ),
  'gate.bypassed': () => warn('A tool ran without having asked the gate.'),
  'runs.removed': () => info('Old runs were removed, as the retention says.'),
  'turn.interrupted': () => info('The turn was interrupted.'),
};

export function remarkOf(event: LooseEvent): Remark | null {
  return Object.hasOwn(remarks, event.topic) ? remarks[event.topic]!(event.data) : null;
}
