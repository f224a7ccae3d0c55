/**
 * A message for an agent, with a receipt: queued (durable) → delivered (the shim journalled the frame) → seen →
 * acted (the runtime's evidence). Order is kept, and the frame carries the injection's id, so sending it again
 * after a crash is harmless: the shim knows it.
 */
import type { InjectionView } from '../../api.ts';
import { AetherError, messageOf } from '../../errors.ts';
import { KeyedQueue } from '../../keyed-queue.ts';
import { limits } from '../../limits.ts';
import { engineHasFloor } from '../../runs/floor.ts';
import type { Run } from '../../runs/run.ts';
import type { InjectionRecord } from '../../store/injections.ts';
import { engineActivity } from '../turn/activity.ts';
import { messageDelivered, messageLeft, messageTaken, takenSince } from '../turn/turn.ts';
import type { By, Wiring } from '../wiring.ts';
import { typeInto, typingOf } from './type-message.ts';

/** What this file uses of the host. */
type Needs = Pick<
  Wiring,
  'store' | 'clock' | 'ids' | 'log' | 'events' | 'agents' | 'runs' | 'injections' | 'leases'
>;

const ORDER = ['queued', 'delivered', 'seen', 'acted'] as const;

/** An engine shows a message that it has taken up to a model within this time: what it asks before waits no longer. */
const UNREAD_MS_MAX = 12_000;
/** A message that is dropped more often is not sent again: that is no turn that was cut short. */
const DROPS_MAX = 5;
/** Between the id of a message and how often an engine has dropped it: such an engine may ignore an id that it knows. */
const AGAIN = '~';

export interface InjectInput {
  text: string;
  priority?: 'now' | 'next' | 'later';
  id?: string;
}

/** Accepts the message durably. The same `id` again answers with the first one. */
export function acceptInjection(wiring: Needs, agent: string, input: InjectInput, by: By): InjectionView {
  wiring.agents.get(agent);
  const priority = input.priority ?? 'next';
  requireText(input.text);
  requirePriority(priority);
  const known = input.id === undefined ? null : acceptedBefore(wiring, agent, input.id, input.text);
  if (known !== null) return viewOf(known);
  const id = input.id ?? wiring.ids.uuid(wiring.clock.now());
  requireTypable(wiring, agent, { id, text: input.text });
  if (wiring.injections.queued(agent, limits.inject_queue_max).length >= limits.inject_queue_max) {
    throw refused('full', {
      message: `${limits.inject_queue_max} messages already wait for ${agent}.`,
      next: `Start ${agent} so that it can read them.`,
    });
  }
  const now = wiring.clock.now();
  const record: InjectionRecord = {
    id,
    agent,
    run: null,
    text: input.text,
    priority,
    principal: by,
    state: 'queued',
    steps: [{ stage: 'queued', at_ms: now, evidence: 'stored by the host' }],
    created_ms: now,
  };
  wiring.store.transaction(() => {
    wiring.injections.insert(record);
    wiring.events.append({
      topic: 'inject.queued',
      agent,
      principal: by,
      grade: 'enforced',
      data: { inject: record.id, text: record.text, priority },
    });
  });
  return viewOf(record);
}

const refused = (problem: string, said: { message: string; next: string }) =>
  new AetherError({ code: `inject.${problem}`, who: 'user', ...said });

function requireText(text: string): void {
  const bytes = Buffer.byteLength(text);
  if (bytes > limits.inject_text_bytes_max)
    throw refused('text', {
      message: `The message has ${bytes} bytes; at most ${limits.inject_text_bytes_max} go in one.`,
      next: 'Put long material into a file in the workspace and name it in the message.',
    });
  if (text.trim() === '') throw refused('text', { message: 'The message is empty.', next: 'Say something.' });
}

/** What the program that runs can never be given is refused at once: the sender is there to change it. */
function requireTypable(wiring: Needs, agent: string, message: { id: string; text: string }): void {
  const run = wiring.runs.of(agent);
  const typing = run === null || run.record.state !== 'running' ? null : typingOf(wiring, run, message);
  if (typing === null || !('not' in typing) || typing.not === 'now') return;
  throw refused('multiline', {
    message: `The message was not typed into ${agent}: ${typing.why}.`,
    next: 'Write it as one line, or say `multiline: join` (one line is made of them) or `multiline: type` in aether.yaml.',
  });
}

function requirePriority(priority: string): void {
  if (['now', 'next', 'later'].includes(priority)) return;
  throw refused('priority', {
    message: `Unknown priority ${JSON.stringify(priority)}.`,
    next: 'Use now, next or later.',
  });
}

/** The message that was accepted under this id, when it is the same one; null when there is none. */
function acceptedBefore(wiring: Needs, agent: string, id: string, text: string): InjectionRecord | null {
  const next = 'Leave it out to get one.';
  if (!/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(id))
    throw refused('id', { message: 'An injection id is a lower-case UUID.', next });
  const known = wiring.injections.get(id);
  if (known === null || (known.agent === agent && known.text === text)) return known;
  const whose = known.agent === agent ? '' : `, to ${known.agent}`;
  throw refused('id', { message: `The id ${id} is that of another message${whose}.`, next });
}

/** A stage was proven. Stages only go forward; those skipped on the way were passed. */
export function settle(
  wiring: Needs,
  id: string,
  stage: 'delivered' | 'seen' | 'acted' | 'cancelled' | 'unknown',
  evidence: string,
): void {
  const record = wiring.injections.get(id);
  if (record === null) return;
  const at = ORDER.indexOf(record.state as (typeof ORDER)[number]);
  if (stage !== 'cancelled' && stage !== 'unknown' && at >= ORDER.indexOf(stage)) return;
  if ((stage === 'cancelled' || stage === 'unknown') && (record.state === 'acted' || record.state === stage))
    return;
  record.state = stage;
  record.steps.push({ stage, at_ms: wiring.clock.now(), evidence });
  wiring.store.transaction(() => {
    wiring.injections.update(record);
    wiring.events.append({
      topic: `inject.${stage}`,
      agent: record.agent,
      run: record.run,
      principal: 'host',
      grade: 'observed',
      data: { inject: id, evidence },
    });
  });
}

/**
 * Since when the engine has a message that an interrupt may lose; null: it has none. The first one of its process waits
 * there for what is remembered; any other may wait for a hook of the user's; and one of priority `now` is about to be read.
 */
export function unreadSince(wiring: Pick<Needs, 'injections'>, run: Run): number | null {
  const { recall = [], turns } = run.runtime.capabilities;
  if (turns?.second.is !== 'folded') return null;
  const { turn } = run.record;
  const first = recall.includes('start') && turn.begun !== true;
  const given = wiring.injections
    .unsettled(run.id)
    .filter(({ priority }) => first || priority === 'now')
    .map(({ steps }) => steps.at(-1)?.at_ms ?? 0);
  const taken = takenSince(turn);
  const times = taken === null ? given : [taken, ...given];
  return times.length === 0 ? null : Math.max(...times);
}

/** The engine works on it, and has shown it to no model yet. */
export function taken(wiring: Needs, run: Run, id: string): void {
  const record = wiring.injections.get(id);
  if (record?.state !== 'delivered' || record.run !== run.id) return;
  messageTaken(run.record.turn, id, wiring.clock.now());
}

/** The engine discarded it unread, because the turn that it was to begin was cut short: it waits again, in its place. */
export function dropped(wiring: Needs, run: Run, id: string, evidence: string): void {
  messageLeft(run.record.turn, id, 'dropped');
  const record = wiring.injections.get(id);
  if (record === null) {
    const text = `The engine dropped what it was begun with before a model had it (${evidence}): tell it again.`;
    wiring.events.append({
      topic: 'engine.note',
      agent: run.record.agent,
      run: run.id,
      principal: 'host',
      grade: 'observed',
      data: { level: 'error', text },
    });
    return;
  }
  if (record.state !== 'delivered' || record.run !== run.id) return;
  const times = record.steps.filter(({ stage }) => stage === 'delivered').length;
  if (times > DROPS_MAX) {
    settle(wiring, id, 'unknown', `the engine dropped it unread ${times} times; it is not sent again`);
    return;
  }
  const why = `the engine dropped it unread when its turn was cut short, so it is sent again (${evidence})`;
  record.state = 'queued';
  record.run = null;
  record.steps.push({ stage: 'queued', at_ms: wiring.clock.now(), evidence: why });
  wiring.store.transaction(() => {
    wiring.injections.update(record);
    wiring.events.append({
      topic: 'inject.dropped',
      agent: record.agent,
      run: run.id,
      principal: 'host',
      grade: 'observed',
      data: { inject: id, evidence: why },
    });
  });
}

/** The message of which this is the frame. */
export const injectionOf = (frame: string): string => frame.split(AGAIN, 1)[0]!;

/** Under which id the engine has it, or is given it next. */
export function frameOf({ id, state, steps }: InjectionRecord): string {
  const given = steps.filter(({ stage }) => stage === 'delivered').length;
  const again = state === 'queued' ? given : given - 1;
  return again < 1 ? id : `${id}${AGAIN}${again}`;
}

/** Sends what waits, in order, one agent at a time. */
export class InjectionDelivery {
  readonly #wiring: Needs;
  readonly #queue = new KeyedQueue('agent', 1);
  readonly #onTheWay = new Set<string>();
  /** By agent: ends the wait for what its engine has taken up. */
  readonly #waits = new Map<string, () => void>();

  constructor(wiring: Needs) {
    this.#wiring = wiring;
  }

  /** Call whenever something may have become deliverable. */
  kick(agent: string): Promise<void> {
    return this.#queue.runOnce(agent, () => this.#deliver(agent));
  }

  /** It is being written: who wants it back has to wait for that. */
  isOnItsWay(id: string): boolean {
    return this.#onTheWay.has(id);
  }

  async #deliver(agent: string): Promise<void> {
    const { runs, injections, log } = this.#wiring;
    for (;;) {
      const run = runs.of(agent);
      // While a human holds a swapped terminal nothing is typed into it: a dialog may be open there.
      if (run === null || !run.connected || run.record.state !== 'running') return;
      if (this.#wiring.leases.find(agent)?.phase === 'held') return;
      // A message would begin a turn, or cut the tool short that waits at the gate.
      if (this.#wiring.agents.find(agent)?.hold != null) return;
      // It would lie unread in a pipe, from where it can no longer be taken back.
      if (run.record.tree.pause !== null) return;
      if (
        !engineHasFloor(run.record.floor) ||
        run.record.floor.process === null ||
        run.record.requested === 'handover'
      )
        return;
      // The opening frames come first: the goal before what is said about it.
      if (run.record.floor.opening.length > 0) return;
      // An engine that dies before it is up has read nothing, and a message in its pipe would be lost.
      if (run.runtime.capabilities.engine === 'structured' && engineActivity(run) === 'starting') return;
      if (this.#wouldLose(run)) return;
      const record = this.#next(run, agent);
      if (record === undefined) return;
      this.#onTheWay.add(record.id);
      try {
        if (!(await this.#write(run, record))) return;
        // The journal tells markDelivered; once it is read, this one waits no more.
        await run.pump();
      } catch (error) {
        log.warn(
          { agent, inject: record.id, error: messageOf(error) },
          'a message could not be delivered; it stays queued',
        );
        return;
      } finally {
        this.#onTheWay.delete(record.id);
      }
      if (injections.get(record.id)?.state === 'queued') return;
    }
  }

  /** In their order; but an engine that would end its turn for any of them is given, in mid-turn, only what is to do that. */
  #next(run: Run, agent: string): InjectionRecord | undefined {
    const { injections } = this.#wiring;
    if (!this.#wouldCancel(run)) return injections.queued(agent, 1)[0];
    return injections.queued(agent, limits.inject_queue_max).find(({ priority }) => priority === 'now');
  }

  #wouldCancel(run: Run): boolean {
    const { turns, receipts } = run.runtime.capabilities;
    if (turns?.second.is !== 'cancels') return false;
    // One that was delivered and not read yet is about to be a turn.
    const unread = receipts !== 'delivered' && this.#wiring.injections.unsettled(run.id).length > 0;
    return unread || engineActivity(run) !== 'idle';
  }

  /**
   * A message that the engine has taken up and shown to no model is lost by an interrupt, which one of priority `now`
   * brings; and what is given meanwhile would overtake the lost one. So nothing is written until a model has it.
   */
  #wouldLose(run: Run): boolean {
    const { clock } = this.#wiring;
    const { agent } = run.record;
    this.#waits.get(agent)?.();
    this.#waits.delete(agent);
    const since_ms = unreadSince(this.#wiring, run);
    const left_ms = since_ms === null ? 0 : since_ms + UNREAD_MS_MAX - clock.now();
    if (left_ms <= 0) return false;
    // The journal tells when a model has it; where that never comes, the order must not wait for ever.
    const end = clock.after(Math.min(left_ms, UNREAD_MS_MAX), () => void this.kick(agent));
    this.#waits.set(agent, end);
    return true;
  }

  /** @returns false: it waits for the program */
  async #write(run: Run, record: InjectionRecord): Promise<boolean> {
    const { priority } = record;
    const id = frameOf(record);
    const text = withUntold(run, record.text);
    await run.pump();
    const typing = typingOf(this.#wiring, run, { id, text });
    if (typing === null) await run.write(run.runtime.message({ id, text, priority }));
    else if (!('not' in typing)) await typeInto(this.#wiring, run, typing);
    else if (typing.not === 'ever')
      settle(this.#wiring, record.id, 'cancelled', `it was not typed: ${typing.why}`);
    else this.#keeps(record, typing.why);
    return typing === null || !('not' in typing) || typing.not === 'ever';
  }

  /** The receipt says once why it does not go on. */
  #keeps(record: InjectionRecord, why: string): void {
    const evidence = `waits: ${why}`;
    if (record.steps.at(-1)?.evidence === evidence) return;
    record.steps.push({ stage: 'queued', at_ms: this.#wiring.clock.now(), evidence });
    this.#wiring.injections.update(record);
  }
}

/**
 * The journal has the frame of this id. Only from there: a host that died between the write and a note of its
 * own would otherwise not know, once the run is over too, that the message had left.
 */
export function markDelivered(wiring: Needs, run: Run, frame: string): void {
  const id = injectionOf(frame);
  const record = wiring.injections.get(id);
  if (record?.state !== 'queued' || frameOf(record) !== frame) return;
  wiring.injections.update({ ...record, run: run.id });
  messageDelivered(run.record.turn, { inject: id, untold: withUntold(run, record.text) !== record.text });
  const { typed } = run.record.floor;
  const how = typed?.frame === frame ? `${typed.how}; the shim journalled it` : null;
  settle(wiring, id, 'delivered', how ?? 'the shim wrote it to the engine and journalled it');
}

/** What it was not woken for comes with the first message; a command of its engine is left as it is. */
function withUntold(run: Run, text: string): string {
  const { untold } = run.record.turn;
  return untold === null || text.startsWith('/') ? text : `${untold}\n\n${text}`;
}

/** The run is over: what was delivered and never seen has an unknown fate, and is not sent again. */
export function abandonDelivered(wiring: Needs, run: Run): void {
  // Of a plain program more was never to be known: what was delivered was delivered.
  if (run.runtime.capabilities.receipts === 'delivered') return;
  for (const record of wiring.injections.unsettled(run.id)) {
    settle(wiring, record.id, 'unknown', 'the run ended before the engine said that it had read this');
  }
}

export function viewOf(record: InjectionRecord): InjectionView {
  const { run: _run, created_ms: _created, ...view } = record;
  return view;
}
