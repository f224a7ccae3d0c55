/** How an event reads in a terminal: one place for `up`, `run` and `logs`. Everything agents wrote is made safe. */
import type { ApprovalAnswer, EventView } from '../api.ts';
import type { WireError } from '../errors.ts';
import { again, type Renderers, render, type Sentence, saidTopics } from '../events/sentences.ts';
import type { Topic } from '../events/topics.ts';
import { askedLines } from './asked-lines.ts';
import { completed, type Hint, hint as hintOfThisCommand } from './hints.ts';
import { paint } from './output.ts';
import { oneLine, sanitise } from './text.ts';

/** The outside client that did it; null where none did. */
export function clientOf({ principal }: EventView): string | null {
  return principal.startsWith('client:') ? principal : null;
}

type Lines = (hint: Hint) => string[];

const dim = (words: string) => paint('dim', words);
const text = (value: unknown): string =>
  typeof value === 'string' ? value : value == null ? '' : JSON.stringify(value);
const block = (value: unknown): string[] => sanitise(text(value)).trimEnd().split('\n');

const quiet = (words: string): Lines => all([dim(oneLine(words))]);
const loud = (colour: 'red' | 'yellow' | 'magenta' | 'blue' | 'bold', words: string): Lines =>
  all([paint(colour, oneLine(words))]);
const all = (lines: string[]): Lines => {
  return () => lines;
};

/** Lines of a tool's result that are shown; the console and --json have all of it. */
const RESULT_LINES = 6;

function firstLines(value: unknown): string[] {
  const lines = block(value);
  const left = lines.length - RESULT_LINES;
  return left > 1 ? [...lines.slice(0, RESULT_LINES), `… ${left} more lines`] : lines;
}

/** What is left out is in --json. */
const lines: Renderers<Lines> = {
  'host.started': () => quiet('host started'),
  'host.stopped': () => quiet('host stopped'),
  'config.applied': () => quiet('configuration applied'),
  'config.changed': ({ data }) =>
    quiet(`configuration changed${data.unproven ? `: it ${data.unproven}` : ''}`),
  'config.broken': ({ data }) =>
    problemLines('the configuration is broken, the last good one stays', data.problem),
  'events.redacted': ({ data }) =>
    quiet(`- took what the memory ${text(data.memory)} said out of ${data.rows.length} earlier events`),
  'events.pruned': ({ data }) =>
    quiet(`! ${data.removed} old events were removed from the log (${data.why})`),
  'runs.removed': ({ data }) => quiet(`! old runs were removed: ${data.runs.length}`),

  'agent.added': null,
  'agent.changed': null,
  // The process that it starts says the rest.
  'run.starting': ({ data }) =>
    data.automatic === true ? quiet(`● started again by itself${again(data.after)}`) : all([]),
  'run.exited': ({ data }) => {
    const how = data.signal ? `signal ${data.signal}` : `code ${data.code}`;
    return quiet(`● run ended: ${data.cause || 'exited'} (${how})`);
  },
  'run.lost': ({ data }) =>
    all([
      paint('red', oneLine(`● run lost: ${data.why}; ${data.killed} processes ended`)),
      dim(`  ${oneLine(text(data.certainty))}`),
    ]),
  'run.paused': ({ data }) =>
    loud('magenta', `⏸ ${data.by} paused it: ${data.processes} processes are frozen`),
  'run.resumed': ({ data }) =>
    loud('magenta', `▶ ${data.reason === 'stop' ? 'resumed, to be stopped' : `${data.by} resumed it`}`),
  'process.started': ({ data, run }) => quiet(`● ${data.role} of run ${run ?? ''} started (pid ${data.pid})`),
  'process.exited': null,
  'swap.begun': null,
  'swap.done': null,
  'swap.rolledBack': null,
  'swap.failed': null,

  'activity.changed': null,
  'message.user': ({ data }) => all(block(data.text).map((line) => paint('cyan', `› ${line}`))),
  'message.assistant': ({ data }) =>
    all(data.thinking === true ? block(data.text).map((line) => dim(`· ${line}`)) : block(data.text)),
  'tool.called': ({ data }) => loud('blue', `→ ${text(data.tool)} ${text(data.input)}`),
  'tool.finished': ({ data }) =>
    all(
      firstLines(data.text).map((line) =>
        data.isError === true ? paint('red', `← ${line}`) : dim(`← ${line}`),
      ),
    ),
  'turn.ended': ({ data }) =>
    data.outcome === 'failed'
      ? loud('red', `— turn failed ${text(data.text)}`)
      : quiet(data.outcome === 'interrupted' ? '— turn interrupted' : '— turn done'),
  // The turn's end says it.
  'turn.interrupted': null,
  'subagent.began': ({ data }) => quiet(`⑂ subagent ${text(data.label ?? data.subagent)} began`),
  'subagent.ended': ({ data }) =>
    quiet(
      `⑂ subagent ${text(data.label ?? data.subagent)} ${data.outcome === 'failed' ? 'failed' : data.outcome === 'interrupted' ? 'was ended' : 'is done'}`,
    ),
  'engine.retrying': ({ data }) => quiet(`! the model is tried again (${text(data.why)})`),
  'usage.recorded': null,

  // Their receipts are what `aether inject` shows; of these only what went wrong.
  'inject.queued': null,
  'inject.delivered': null,
  'inject.seen': null,
  'inject.acted': null,
  'inject.cancelled': null,
  'inject.dropped': null,
  'inject.unknown': ({ data }) =>
    loud('red', `✗ delivery unknown of ${text(data.inject)}: ${text(data.evidence)}`),
  'lease.requested': ({ data }) => quiet(`⌨ ${text(data.holder)} asks for the terminal`),
  'lease.held': ({ data }) => loud('magenta', `⌨ ${text(data.holder)} holds the terminal`),
  'lease.returned': ({ data }) => loud('magenta', `⌨ ${text(data.holder)} handed back ${text(data.note)}`),

  'approval.opened':
    ({ data }) =>
    (hint) => [
      ...askedLines(data).map((line, index) => `${paint('yellow', index === 0 ? '?' : ' ')} ${line}`),
      dim(
        `  answer: ${hint(oneLine(`approvals answer ${text(data.approval)} ${data.kind === 'permission' ? 'allow|deny' : 'TEXT'}`))}`,
      ),
    ],
  'approval.answered': ({ data }) => loud('yellow', `! ${text(data.by)} answered: ${verdict(data.answer)}`),
  'approval.withdrawn': () => quiet('! the question was withdrawn'),

  'mcp.called': null,
  'memory.expired': null,
  'memory.stored': ({ data }) => quiet(`+ remembers: ${text(data.memory.text)}`),
  'memory.forgotten': ({ data }) => quiet(`- forgot ${text(data.memory.id)}`),
  'mail.sent': ({ data }) => loud('blue', `✉ to ${text(data.message.to)}: ${text(data.message.subject)}`),
  'mail.acked': null,
  'report.made': ({ data }) => loud('bold', `★ ${text(data.status)}: ${text(data.summary)}`),
};

/**
 * @param hint how a command that is named in them is written
 * @returns the lines of this event; none for what is not worth a reader's eye (it is in --json).
 */
export function eventLines(event: EventView, hint: Hint = hintOfThisCommand): string[] {
  const drawn = render(lines, event, {
    said: (sentence) => saidLines(event.topic, sentence),
    otherwise: () => quiet(`${event.topic} ${text(event.data)}`),
  });
  return drawn?.(hint) ?? [];
}

/** Topics of which lines are shown, as prefixes: a family of which all are shown is named once. */
export function shownTopics(): string[] {
  const topics = [...Object.keys(lines), ...saidTopics] as Topic[];
  const family = (topic: string) => topic.slice(0, topic.indexOf('.') + 1);
  const hidden = new Set(topics.filter((topic) => lines[topic] === null).map(family));
  const shown = topics.filter((topic) => lines[topic] !== null);
  return [...new Set(shown.map((topic) => (hidden.has(family(topic)) ? topic : family(topic))))];
}

const COLOURS = {
  plain: 'dim',
  held: 'magenta',
  asked: 'magenta',
  stuck: 'yellow',
  failed: 'red',
  quiet: 'dim',
  info: 'dim',
  warn: 'yellow',
  error: 'red',
} as const satisfies Record<Sentence['tone'], string>;

/** What stands before a sentence, by the family of its topic. */
const SIGNS: Record<string, string> = { lease: '⌨', hold: '⏸', turn: '—', run: '●', agent: '●' };

function saidLines(topic: Topic, { tone, text: words, note, problem }: Sentence): Lines {
  if (problem) return problemLines(words, problem);
  const remark = tone === 'info' || tone === 'warn' || tone === 'error';
  const sign = remark ? '!' : (SIGNS[topic.slice(0, topic.indexOf('.'))] ?? '●');
  return all([
    paint(COLOURS[tone], oneLine(`${sign} ${text(words)}`)),
    ...(note ? [dim(`  ${oneLine(text(note))}`)] : []),
  ]);
}

function problemLines(what: string, { message, next }: WireError): Lines {
  return (hint) => [paint('red', oneLine(`✗ ${what}: ${text(message)} ${completed(text(next), hint)}`))];
}

function verdict(answer: ApprovalAnswer | null): string {
  const { allow, text: words } = answer ?? {};
  return [allow === undefined ? '' : allow ? 'allow' : 'deny', words].filter(Boolean).join(': ');
}
