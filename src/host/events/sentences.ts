/**
 * What an event says, where one sentence says it: the same words in the console and in a terminal. A topic without
 * a sentence has its own line in each renderer (Renderers), so one that is forgotten does not compile. Runs in the
 * browser, too, where every byte of it is loaded first.
 */
import type { WireError } from '../errors.ts';
import { duration } from './duration.ts';
import type { EndedSeries, EventOf, EventView, Topic, Topics } from './topics.ts';

export interface Sentence {
  text: string;
  /**
   * info, warn, error: a remark between what is said. The others cut the conversation: a run begins or ends
   * (plain), a person has it or it stands still (held), is asked to (asked), does not move (stuck), a turn ends
   * (quiet), something went wrong (failed).
   */
  tone: 'plain' | 'held' | 'asked' | 'stuck' | 'failed' | 'quiet' | 'info' | 'warn' | 'error';
  /** More of it, for a closer look. */
  note?: string | null;
  /** Files that changed meanwhile. */
  changed?: string[];
  problem?: WireError | null;
}

/** @param lasted how long what ends here had lasted, in milliseconds; null where that is not known */
type Sayer<T extends Topic> = (data: Topics[T], lasted: number | null, principal: string) => Sentence | null;

const REFUSED: Record<Topics['network.refused']['reason'], string> = {
  'not-listed': 'it is not on its list',
  address: 'its address is not of the public internet',
  unresolved: 'its name does not resolve',
  unreachable: 'it does not answer',
  malformed: 'the request is not well-formed',
  busy: 'it has too many connections',
};

const INDEXING: Record<Topics['memory.indexing']['why'], string> = {
  new: 'there is none yet',
  form: 'it was made by another version',
  damaged: 'it was damaged',
};

const ACTIONS = {
  report: null,
  interrupt: 'the watchdog interrupts the turn',
  restart: 'the watchdog starts it again',
} as const;

const sentences = {
  'door.shed': (data) =>
    warn(`The door of the host, ${data.door}: ${count(data.shed, 'connection')} refused: ${data.why}.`),
  'door.replaced': (data) => ({
    ...warn(`The door of the host, ${data.door}: ${data.why}.`),
    note: `${count(data.times, 'time')} since the last report`,
  }),
  'memory.indexing': ({ memories, why }) => ({
    ...info(`The search index of ${memories} memories is being made: ${INDEXING[why]}.`),
    note: 'Until it is done, a search reads the newest of them and says how many it leaves out.',
  }),
  'memory.indexed': ({ memories, ms }) =>
    info(`The search index of ${memories} memories was made in ${duration(ms)}.`),
  'memory.embeddings': ({ works, model, why }) =>
    works
      ? info(`Memories are found by meaning again, with ${model}.`)
      : {
          ...warn(`Memories are found by words alone, without ${model}.`),
          ...(why === undefined ? {} : { note: why }),
        },
  'agent.removed': () => plain('Removed from the fleet'),
  'agent.adopted': (data, _lasted, principal) =>
    plain(
      `${principal} gave it a copy of ${data.runtime} conversation ${data.id.slice(0, 8)}, begun by hand in ${data.directory}`,
      [
        data.words === null ? null : `Its first words: "${data.words}".`,
        data.open ? 'A program had it open: what is said there from now on is not in the copy.' : null,
        `The original, ${data.file}, is as it was.`,
      ]
        .filter(Boolean)
        .join(' '),
    ),
  'agent.failed': (data) => ({ tone: 'failed', text: 'Failed', problem: data.problem }),
  'run.starting': (data, lasted) => {
    const how = data.automatic === true ? `Run started again by itself${again(data.after)}` : 'Run started';
    const where = data.sandbox === undefined || data.sandbox === 'none' ? '' : ` in ${data.sandbox}`;
    const since = lasted === null ? '' : `, ${duration(lasted)} after the last one ended`;
    return plain(`${how}${where}${since}`, data.sandboxWhy);
  },
  'repository.setup': (data) => {
    const listed = data.items.map(({ kind, what, file }) => `${kind} ${what} (${file})`);
    const note = [...listed, ...(data.more > 0 ? [`and ${data.more} more`] : [])].join('\n');
    const all = count(data.items.length + data.more, 'thing');
    const text = data.trusted
      ? `Its repository sets up ${all} for its engine, which the agent trusts.`
      : `Its repository would set up ${all} for its engine: left out, as the agent does not trust it.`;
    return { ...(data.trusted ? warn(text) : info(text)), note };
  },
  'run.exited': (data, lasted) => exited(data, lasted),
  'run.lost': (data, lasted) =>
    failed(
      `The run was lost${after(lasted)}: its supervisor is gone`,
      [data.why, remains(data)].filter(Boolean).join('; '),
    ),
  'run.leaked': (data) => warn(`Not released at the end of the run: ${data.left.join('; ')}`),
  'feedback.given': ({ thumb, event, memory }, _lasted, principal) =>
    info(
      `${principal} ${thumb === 'up' ? 'liked' : 'did not like'} ${memory !== undefined ? `memory ${memory}` : event === undefined ? 'this' : `what event ${event} tells`}.`,
    ),
  'memory.pinned': ({ memory, pinned }, _lasted, principal) =>
    info(`${principal} ${pinned ? 'pinned' : 'unpinned'} memory ${memory}.`),
  'memory.recalled': ({ at, memories, tokens }) =>
    info(
      `${at === 'start' ? 'At the beginning' : 'After a summary of the conversation'} it was given ${memories.length === 1 ? 'one memory' : `${memories.length} memories`} (about ${tokens} tokens).`,
    ),
  'network.reached': (data) => info(`Connected to ${target(data)} for the first time.`),
  'network.refused': (data) =>
    warn(
      `Not let through to ${target(data)}${data.count > 1 ? `, ${data.count} times` : ''}: ${REFUSED[data.reason]}${data.address === undefined ? '' : ` (${data.address})`}`,
    ),
  'ports.hidden': (data) =>
    warn(`Not shown: ${data.ports.map(({ port, why }) => `port ${port} (${why})`).join(', ')}`),
  'run.paused': (data) => held(`Paused by ${data.by}`, stillness(data)),
  'run.resumed': (data) => {
    const away = data.paused_ms === undefined ? '' : ` after ${duration(data.paused_ms)} paused`;
    return held(data.reason === 'stop' ? `Resumed, to be stopped${away}` : `Resumed${away}`);
  },
  'run.stuck': (data) => ({
    tone: 'stuck',
    text: ['Stuck', ACTIONS[data.action]].filter(Boolean).join(': '),
    note: data.evidence,
  }),
  'run.moves': (data) => ({ tone: 'stuck', text: `It makes progress again${after(data.after_ms)}` }),
  'record.quarantined': (data) => ({
    ...warn(`Part of its output was left out: ${data.why}`),
    note: `${count(data.bytes, 'byte')} that begin with: ${data.excerpt}`,
  }),
  'journal.damaged': (data) =>
    warn(`${count(data.to - data.from, 'byte')} of its journal are not readable: ${data.why}`),
  'journal.unreadable': (data) => failed('Its journal cannot be read, so its events are missing', data.why),

  'turn.ended': (data) => {
    if (data.outcome === 'failed') return failed('Turn failed', data.text);
    return data.outcome === 'interrupted' ? plain('Turn interrupted') : { tone: 'quiet', text: 'Turn ended' };
  },
  'turn.interrupt-requested': (_data, _lasted, principal) => ({
    tone: 'quiet',
    text: `${principal} asked for an interrupt`,
  }),
  'turn.interrupted': () => info('The turn was interrupted.'),
  'mcp.status': (data) => {
    const failed = data.servers.filter(({ status }) => status !== 'connected');
    if (failed.length === 0) return null;
    const names = failed.map(({ name, status }) => `${name} (${status})`).join(', ');
    return warn(`MCP servers that are not connected: ${names}`);
  },
  'engine.note': (data) => ({ tone: data.level, text: data.text }),
  'subagent.began': (data) => info(`Its subagent ${called(data)} began.`),
  'subagent.ended': (data) =>
    info(`Its subagent ${called(data)} ${ended(data)}${after(data.ran_ms)}${used(data.tokens)}.`),
  'engine.retrying': (data) => warn(`The model is asked again (attempt ${data.attempt}): ${data.why}`),

  'lease.held': (data) => held(`${data.holder} took over`),
  'lease.returned': (data) => ({
    ...held(`${data.holder} ${data.left ? 'left the terminal' : 'handed back'}${after(data.held_ms)}`),
    note: data.note || null,
    changed: data.diff ?? [],
  }),
  'lease.cancelled': (data) => held(`${data.holder} gave up the take-over before it began`),
  'lease.failed': (data) => failed(`${data.holder} could not take over`, data.why),
  'lease.ended': (data) => held(`The take-over of ${data.holder} ended${after(data.held_ms)}`, data.why),
  'lease.expired': (data) => ({
    // With a reason it was written by a version that said this of every end but a hand-back.
    ...(data.why === undefined
      ? held(`${data.holder} vanished; handed back for them${after(data.held_ms)}`)
      : held(`The take-over of ${data.holder} ended`, data.why)),
    changed: data.diff ?? [],
  }),
  'hold.requested': (_data, _lasted, principal) => ({
    tone: 'asked',
    text: `${principal} asked to hold it at the next boundary`,
  }),
  'hold.held': (data) => held('Held', data.evidence),
  'hold.ended': (data) => {
    if (data.why === 'stopped') return held('The hold ended with the run');
    if (!data.held_ms) return held('The hold was cancelled before it took effect');
    return held(`Resumed after ${duration(data.held_ms)} held`);
  },
  'authority.narrowed': (data) => {
    const who = nameOf(data.sender);
    const words = { mail: 'mail', memory: 'a memory', message: 'a message' }[data.by] ?? 'a text';
    return info(`From now on it follows ${words} from ${who}: calls that ${who} may not make wait for you.`);
  },
  'authority.widened': (data, _lasted, principal) =>
    info(`${principal} trusts what ${data.senders.map(nameOf).join(', ')} said in this conversation so far.`),
  'gate.bypassed': () => warn('A tool ran without having asked the gate, or before it was answered.'),
  'gate.policy-failed': (data) =>
    warn(`A tool call gets no answer and does not run: the policy "${data.policy}" failed.`),
} satisfies { [T in Topic]?: Sayer<T> };

type Said = keyof typeof sentences;
export const saidTopics = /* @__PURE__ */ Object.keys(sentences);

/** How a topic is drawn; null: it is left out. */
type Renderer<R, T extends Topic> = ((event: EventOf<T>) => R) | null;

/** A line for each topic that has no sentence; one that has is drawn by it unless there is a line. */
export type Renderers<R> = { [T in Exclude<Topic, Said>]: Renderer<R, T> } & {
  [T in Said]?: Renderer<R, T>;
};

/**
 * Draws one event. Also one that another version has written: its topic or its data may not be as listed.
 * @param how.otherwise for such an event
 * @returns null for what is left out
 */
export function render<R>(
  renderers: Renderers<R>,
  event: EventView,
  how: { said: (sentence: Sentence) => R; otherwise: () => R; lasted?: number | null },
): R | null {
  const { topic } = event;
  // A topic and its event belong together, which an index by a union cannot say.
  const own = entry<Renderer<R, Topic>>(renderers, topic);
  if (own === null) return null;
  const say = entry<Sayer<Topic>>(sentences, topic);
  try {
    if (own !== undefined) return own(event);
    const sentence = say?.(event.data, how.lasted ?? null, event.principal);
    if (sentence === undefined) return how.otherwise();
    return sentence === null ? null : how.said(sentence);
  } catch {
    return how.otherwise();
  }
}

const entry = <T>(table: object, topic: string): T | undefined =>
  Object.hasOwn(table, topic) ? (table as Record<string, T>)[topic] : undefined;

const plain = (text: string, note: string | null = null): Sentence => ({ tone: 'plain', text, note });
const held = (text: string, note: string | null = null): Sentence => ({ tone: 'held', text, note });
const failed = (text: string, note: string | null = null): Sentence => ({ tone: 'failed', text, note });
const info = (text: string): Sentence => ({ tone: 'info', text });
const warn = (text: string): Sentence => ({ tone: 'warn', text });

const called = ({ label, subagent }: Topics['subagent.began']): string => label ?? subagent;
const ended = ({ outcome }: Topics['subagent.ended']): string =>
  outcome === 'failed' ? 'failed' : outcome === 'interrupted' ? 'was ended' : 'is done';
const used = (tokens: number | undefined): string =>
  tokens === undefined ? '' : `, ${count(tokens, 'token')}`;
const after = (ms: number | null | undefined): string => (ms == null ? '' : ` after ${duration(ms)}`);
const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;
const nameOf = (principal: string): string => principal.replace(/^(agent|client):/, '');

/** Why a run is started again, where its end alone does not say it. */
export function again(after: EndedSeries | undefined): string {
  if (after === undefined) return '';
  if (!after.failed) return ` (exit 0 is no failure${times(after.short)})`;
  return after.failures > 1 ? ` (it failed${times(after.failures)})` : '';
}

const times = (n: number): string => (n > 1 ? `, ${n} times in a row` : '');

function exited(data: Topics['run.exited'], lasted: number | null): Sentence {
  const stopped = data.cause === 'stopped';
  const how = data.signal ? ` by ${data.signal}` : data.code === null ? '' : ` with code ${data.code}`;
  const failed = !stopped && data.code !== 0;
  return {
    tone: failed ? 'failed' : 'plain',
    text: `${stopped ? 'Run stopped' : `Run exited${how}`}${after(lasted)}`,
  };
}

/** What was left of a run whose supervisor is gone, and how sure that is. */
function remains({ killed, certainty }: Topics['run.lost']): string | null {
  const ended = killed === 1 ? 'one of its processes was killed' : `${killed} of its processes were killed`;
  return [killed > 0 ? ended : null, certainty].filter(Boolean).join(', ') || null;
}

function stillness({ processes, means, ticks, sample_ms }: Topics['run.paused']): string {
  const who = processes === 1 ? 'Its one process is frozen' : `All ${processes} processes are frozen`;
  return `${who} (${means}); ${ticks} CPU ticks in ${sample_ms} ms`;
}

function target({ host, port }: { host: string; port: number }): string {
  if (port === 0) return host;
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
