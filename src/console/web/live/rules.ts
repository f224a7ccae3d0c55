/** Events that cut the conversation: runs that begin and end, somebody taking over, a turn that failed. */
import type { EventView } from '../../wire.ts';
import type { ItemOf } from './items.ts';
import { list, text, textOrNull } from './read.ts';

type Rule = Pick<ItemOf<'rule'>, 'tone' | 'text'> & Partial<Pick<ItemOf<'rule'>, 'note' | 'changed'>>;

export function ruleOf({ topic, data }: EventView): Rule | null {
  switch (topic) {
    case 'run.started':
      return { tone: 'plain', text: 'Run started' };
    case 'run.exited':
      return exited(data);
    case 'run.lost':
      return {
        tone: 'failed',
        text: 'The run was lost: its supervisor is gone',
        note: textOrNull(data, 'why'),
      };
    case 'agent.failed':
      return { tone: 'failed', text: 'Failed' };
    case 'agent.removed':
      return { tone: 'plain', text: 'Removed from the fleet' };
    case 'lease.held':
      return { tone: 'held', text: `${text(data, 'holder')} took over` };
    case 'lease.returned':
      return {
        tone: 'held',
        text: `${text(data, 'holder') || 'The holder'} handed back`,
        note: textOrNull(data, 'note'),
        changed: list(data, 'diff').map(String),
      };
    case 'lease.expired':
      return {
        tone: 'held',
        text: `The take-over of ${text(data, 'holder') || 'somebody'} ended`,
        note: textOrNull(data, 'why'),
      };
    case 'turn.interrupt-requested':
      return { tone: 'quiet', text: 'Interrupt requested' };
    case 'turn.ended':
      return turnEnded(data);
    default:
      return null;
  }
}

function exited(data: Record<string, unknown>): Rule {
  const stopped = data.cause === 'stopped';
  const how = data.signal
    ? `by ${text(data, 'signal')}`
    : data.code === null
      ? ''
      : `with code ${text(data, 'code')}`;
  const failed = !stopped && data.code !== 0;
  return { tone: failed ? 'failed' : 'plain', text: stopped ? 'Run stopped' : `Run exited ${how}`.trim() };
}

function turnEnded(data: Record<string, unknown>): Rule {
  if (data.outcome === 'failed')
    return { tone: 'failed', text: 'Turn failed', note: textOrNull(data, 'text') };
  if (data.outcome === 'interrupted') return { tone: 'plain', text: 'Turn interrupted' };
  return { tone: 'quiet', text: 'Turn ended' };
}
