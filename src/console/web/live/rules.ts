/**
 * Events that cut the conversation: runs that begin and end, somebody taking over, standing still and going on,
 * a turn that failed or does not move. What ends says how long it lasted.
 */
import { duration } from './duration.ts';
import type { ItemOf } from './items.ts';
import { type LooseEvent, list, text, textOrNull } from './read.ts';
import type { Spans } from './spans.ts';

type Rule = Pick<ItemOf<'rule'>, 'tone' | 'text'> & Partial<Pick<ItemOf<'rule'>, 'note' | 'changed'>>;
type Data = Record<string, unknown>;

const ACTIONS: Record<string, string> = {
  interrupt: 'the watchdog interrupts the turn',
  restart: 'the watchdog starts it again',
};

const rules: Record<string, (data: Data, event: LooseEvent, lasted: number | null) => Rule> = {
  'run.starting': (data, _event, lasted) => ({
    tone: 'plain',
    text: [
      data.automatic === true ? 'Run started again by itself' : 'Run started',
      lasted === null ? null : `${duration(lasted)} after the last one ended`,
    ]
      .filter(Boolean)
      .join(', '),
  }),
  'run.exited': (data, _event, lasted) => exited(data, lasted),
  'run.lost': (data, _event, lasted) => ({
    tone: 'failed',
    text: `The run was lost${after(lasted)}: its supervisor is gone`,
    note: [textOrNull(data, 'why'), remains(data)].filter(Boolean).join('; ') || null,
  }),
  'agent.failed': () => ({ tone: 'failed', text: 'Failed' }),
  'agent.removed': () => ({ tone: 'plain', text: 'Removed from the fleet' }),

  'lease.held': (data) => ({ tone: 'held', text: `${text(data, 'holder')} took over` }),
  'lease.returned': (data, _event, lasted) => ({
    tone: 'held',
    text: `${text(data, 'holder') || 'The holder'} handed back${after(lasted)}`,
    note: textOrNull(data, 'note'),
    changed: list(data, 'diff').map(String),
  }),
  'lease.expired': (data, _event, lasted) => ({
    tone: 'held',
    text: `The take-over of ${text(data, 'holder') || 'somebody'} ended${after(lasted)}`,
    note: textOrNull(data, 'why'),
  }),

  'hold.requested': (_data, { principal }) => ({
    tone: 'asked',
    text: `${principal} asked it to stand still at the next boundary`,
  }),
  'hold.held': (data) => ({ tone: 'held', text: 'Held', note: textOrNull(data, 'evidence') }),
  'hold.ended': (data, _event, lasted) => ({
    tone: 'held',
    text:
      data.why === 'stopped'
        ? 'The hold ended with the run'
        : lasted === null || lasted === 0
          ? 'The hold was taken back before it stood still'
          : `Resumed after ${duration(lasted)} held`,
  }),
  'run.paused': (data) => ({
    tone: 'held',
    text: `Paused${data.by ? ` by ${text(data, 'by')}` : ''}`,
    note: stillness(data),
  }),
  'run.resumed': (data, _event, lasted) => {
    const away = lasted === null ? '' : ` after ${duration(lasted)} paused`;
    return { tone: 'held', text: data.reason === 'stop' ? `Woken to be ended${away}` : `Resumed${away}` };
  },

  'run.stuck': (data) => ({
    tone: 'stuck',
    text: ['Stuck', ACTIONS[text(data, 'action')]].filter(Boolean).join(': '),
    note: textOrNull(data, 'evidence'),
  }),
  'run.moves': (_data, _event, lasted) => ({ tone: 'stuck', text: `It moves again${after(lasted)}` }),
  'turn.interrupt-requested': (_data, { principal }) => ({
    tone: 'quiet',
    text: `${principal} asked for an interrupt`,
  }),
  'turn.ended': (data) => turnEnded(data),
};

export function ruleOf(event: LooseEvent, spans: Spans): Rule | null {
  if (!Object.hasOwn(rules, event.topic)) return null;
  return rules[event.topic]!(event.data, event, spans.lasted(event));
}

const after = (lasted: number | null): string => (lasted === null ? '' : ` after ${duration(lasted)}`);

function exited(data: Data, lasted: number | null): Rule {
  const stopped = data.cause === 'stopped';
  const how = data.signal
    ? ` by ${text(data, 'signal')}`
    : data.code === null
      ? ''
      : ` with code ${text(data, 'code')}`;
  const failed = !stopped && data.code !== 0;
  const ended = stopped ? 'Run stopped' : `Run exited${how}`;
  return { tone: failed ? 'failed' : 'plain', text: `${ended}${after(lasted)}` };
}

/** What was left of a run whose supervisor is gone, and how sure that is. */
function remains(data: Data): string | null {
  const killed = Number(data.killed ?? 0);
  const ended = killed === 1 ? 'one process of it was ended' : `${killed} processes of it were ended`;
  return [killed > 0 ? ended : null, textOrNull(data, 'certainty')].filter(Boolean).join(', ') || null;
}

function stillness(data: Data): string | null {
  const { processes, ticks, sample_ms } = data;
  if (typeof processes !== 'number') return null;
  const proof = typeof ticks === 'number' ? `; ${ticks} CPU ticks in ${text(data, 'sample_ms')} ms` : '';
  const who = processes === 1 ? 'Its one process stands still' : `All ${processes} processes stand still`;
  return `${who}${data.means ? ` (${text(data, 'means')})` : ''}${sample_ms === undefined ? '' : proof}`;
}

function turnEnded(data: Data): Rule {
  if (data.outcome === 'failed')
    return { tone: 'failed', text: 'Turn failed', note: textOrNull(data, 'text') };
  if (data.outcome === 'interrupted') return { tone: 'plain', text: 'Turn interrupted' };
  return { tone: 'quiet', text: 'Turn ended' };
}
