/** How an event reads in a terminal: one place for `up`, `run` and `logs`. Everything agents wrote is made safe. */
import type { EventView } from '../api.ts';
import { completed, type Hint, hint as hintOfThisCommand } from './hints.ts';
import { paint } from './output.ts';
import { oneLine, sanitise } from './text.ts';

/**
 * @param hint how a command that is named in them is written
 * @returns the lines of this event; none for what is not worth a reader's eye (it is in --json).
 */
export function eventLines(event: EventView, hint: Hint = hintOfThisCommand): string[] {
  return renderers[event.topic]?.(event.data as unknown as Record<string, unknown>, event, hint) ?? [];
}

/** The outside client that did it; null where nobody outside did. */
export function clientOf({ principal }: EventView): string | null {
  return principal.startsWith('client:') ? principal : null;
}

type Renderer = (data: Record<string, unknown>, event: EventView, hint: Hint) => string[];

const dim = (text: string) => paint('dim', text);
const quiet = (text: string) => [dim(oneLine(text))];
const text = (value: unknown): string =>
  typeof value === 'string' ? value : value == null ? '' : JSON.stringify(value);
const field = (value: unknown, key: string): string =>
  value !== null && typeof value === 'object' ? text((value as Record<string, unknown>)[key]) : '';
const block = (value: unknown): string[] => sanitise(text(value)).trimEnd().split('\n');

/** Topics of which lines are shown, some of a few events in them. */
export const shownTopics = (): string[] => Object.keys(renderers);

/** Lines of a tool's result that are shown; the console and --json have all of it. */
const RESULT_LINES = 6;

function firstLines(value: unknown): string[] {
  const lines = block(value);
  const left = lines.length - RESULT_LINES;
  return left > 1 ? [...lines.slice(0, RESULT_LINES), `… ${left} more lines`] : lines;
}

function problem(data: Record<string, unknown>, what: string, hint: Hint): string[] {
  const next = completed(field(data.problem, 'next'), hint);
  return [paint('red', oneLine(`✗ ${what}: ${field(data.problem, 'message')} ${next}`))];
}

function exit(data: Record<string, unknown>): string {
  const how = data.signal ? `signal ${text(data.signal)}` : `code ${text(data.code)}`;
  return `run ended: ${text(data.cause) || 'exited'} (${how})`;
}

const renderers: Record<string, Renderer> = {
  'process.started': (data, event) =>
    quiet(`● ${text(data.role)} of run ${event.run ?? ''} started (pid ${text(data.pid)})`),
  'run.exited': (data) => quiet(`● ${exit(data)}`),
  'run.lost': (data) => [
    paint('red', oneLine(`● run lost: ${text(data.why)}; ${text(data.killed)} processes ended`)),
    dim(oneLine(`  ${text(data.certainty)}`)),
  ],
  'run.paused': (data) => [
    paint('magenta', oneLine(`⏸ ${text(data.by)} paused it: ${text(data.processes)} processes stand still`)),
  ],
  'run.resumed': (data) => [
    paint(
      'magenta',
      oneLine(`▶ ${data.reason === 'stop' ? 'goes on, to be ended' : `${text(data.by)} resumed it`}`),
    ),
  ],
  'agent.failed': (data, _event, hint) => problem(data, 'failed', hint),
  'message.user': (data) => block(data.text).map((line) => paint('cyan', `› ${line}`)),
  'message.assistant': (data) =>
    data.thinking === true ? block(data.text).map((line) => dim(`· ${line}`)) : block(data.text),
  'tool.called': (data) => [paint('blue', oneLine(`→ ${text(data.tool)} ${text(data.input)}`))],
  'tool.finished': (data) =>
    firstLines(data.text).map((line) =>
      data.isError === true ? paint('red', `← ${line}`) : dim(`← ${line}`),
    ),
  'turn.ended': (data) =>
    data.outcome === 'failed'
      ? [paint('red', oneLine(`— turn failed ${text(data.text)}`))]
      : quiet(data.outcome === 'interrupted' ? '— turn interrupted' : '— turn done'),
  'approval.opened': (data, _event, hint) => [
    paint('yellow', oneLine(`? ${field(data.detail, 'question') || text(data.title)}`)),
    ...choices(data.detail).map((choice) => paint('yellow', `    - ${oneLine(choice)}`)),
    dim(
      `  answer: ${hint(oneLine(`approvals answer ${text(data.approval)} ${data.kind === 'permission' ? 'allow|deny' : 'TEXT'}`))}`,
    ),
  ],
  'approval.answered': (data) => [
    paint('yellow', oneLine(`! ${text(data.by)} answered: ${answer(data.answer)}`)),
  ],
  'approval.withdrawn': () => quiet('! the question was withdrawn'),
  'inject.unknown': (data) => [
    paint('red', oneLine(`✗ delivery unknown of ${text(data.inject)}: ${text(data.evidence)}`)),
  ],
  'lease.requested': (data) => quiet(`⌨ ${text(data.holder)} asks for the floor`),
  'lease.held': (data) => [paint('magenta', oneLine(`⌨ ${text(data.holder)} holds the terminal`))],
  'lease.returned': (data) => [
    paint('magenta', oneLine(`⌨ ${text(data.holder)} handed back ${text(data.note)}`)),
  ],
  'lease.expired': (data) => [paint('magenta', oneLine(`⌨ the lease of ${text(data.holder)} ran out`))],
  'mail.sent': (data) => [
    paint('blue', oneLine(`✉ to ${field(data.message, 'to')}: ${field(data.message, 'subject')}`)),
  ],
  'memory.stored': (data) => quiet(`+ remembers: ${field(data.memory, 'text')}`),
  'memory.forgotten': (data) => quiet(`- forgot ${field(data.memory, 'id') || text(data.memory)}`),
  'report.made': (data) => [paint('bold', oneLine(`★ ${text(data.status)}: ${text(data.summary)}`))],
  'engine.note': (data) => [
    data.level === 'error'
      ? paint('red', oneLine(`! ${text(data.text)}`))
      : dim(oneLine(`! ${text(data.text)}`)),
  ],
  'engine.retrying': (data) => quiet(`! the model is tried again (${text(data.why)})`),
  'config.changed': () => quiet('configuration changed'),
  'config.applied': () => quiet('configuration applied'),
  'config.broken': (data, _event, hint) =>
    problem(data, 'the configuration is broken, the last good one stays', hint),
  'host.started': () => quiet('host started'),
  'host.stopped': () => quiet('host stopped'),
};

function choices(detail: unknown): string[] {
  const listed = (detail as { choices?: unknown } | null | undefined)?.choices;
  return Array.isArray(listed) ? listed.map(text) : [];
}

function answer(value: unknown): string {
  if (value === null || typeof value !== 'object') return text(value);
  const { allow, text: words } = value as { allow?: boolean; text?: string };
  const verdict = allow === undefined ? '' : allow ? 'allow' : 'deny';
  return [verdict, words].filter(Boolean).join(': ');
}
