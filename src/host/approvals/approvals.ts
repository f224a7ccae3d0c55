/**
 * What waits for a person: permissions an engine asks for, and questions an agent asks. Each is opened once
 * under its request key, answered or withdrawn once, each with its event in the same transaction, and outlives
 * the host and its asker. Waiting calls are told after that transaction has committed.
 */
import type { ApprovalAnswer, ApprovalView, Evidence, Principal } from '../api.ts';
import type { Clock } from '../clock.ts';
import { AetherError } from '../errors.ts';
import type { Events } from '../events/events.ts';
import type { Topic, Topics } from '../events/topics.ts';
import type { Ids } from '../ids.ts';
import { limits } from '../limits.ts';
import { type ApprovalRecord, ApprovalTable } from '../store/approvals.ts';
import type { Store } from '../store/store.ts';
import { cutText, shortText } from '../text.ts';

const TITLE_CHARS_MAX = 200;

export interface NewApproval {
  kind: 'permission' | 'question';
  /** Name of the agent, or the principal of an outside client. */
  agent: string;
  run: string | null;
  /** Asking again under the same key is the same question. */
  request: string;
  title: string;
  detail: Record<string, unknown>;
  /** What happens if nobody answers. */
  otherwise: string;
}

export class Approvals {
  readonly #store: Store;
  readonly #table: ApprovalTable;
  readonly #clock: Clock;
  readonly #ids: Ids;
  readonly #events: Pick<Events, 'append'>;
  readonly #waiting = new Map<string, Set<(approval: ApprovalView) => void>>();
  #settled = new Set<string>();

  constructor(options: { store: Store; clock: Clock; ids: Ids; events: Pick<Events, 'append'> }) {
    this.#store = options.store;
    this.#table = new ApprovalTable(options.store);
    this.#clock = options.clock;
    this.#ids = options.ids;
    this.#events = options.events;
  }

  /** Opens it, or finds the one that was opened under this request key before, in any state. */
  open(input: NewApproval): { approval: ApprovalView; reattached: boolean } {
    return this.#store.transaction(() => {
      const existing = this.#table.byRequest(input.request);
      if (existing !== null) return { approval: toView(existing), reattached: true };
      if (this.#table.countOpen(input.agent) >= limits.approvals_open_per_agent_max) {
        throw new AetherError({
          code: 'approval.too-many',
          who: 'agent',
          message: `${input.agent} already waits for ${limits.approvals_open_per_agent_max} answers.`,
          next: 'Wait until the operator has answered some of them.',
        });
      }
      return { approval: toView(this.#insert(input)), reattached: false };
    });
  }

  /** Answered "no" by the host as it is asked: it cannot be judged, and its engine waits. Once per request key. */
  refuse(input: NewApproval, why: string): void {
    this.#store.transaction(() => {
      if (this.#table.byRequest(input.request) !== null) return;
      const record = this.#insert(input);
      const answer = { allow: false, text: why };
      this.#table.settle(record.id, 'answered', answer, this.#clock.now(), 'host');
      this.#append('approval.answered', record, 'host', { approval: record.id, answer, by: 'host' });
    });
  }

  #insert(input: NewApproval): ApprovalRecord {
    const record: ApprovalRecord = {
      ...input,
      id: this.#ids.short('apr'),
      title: firstLine(input.title),
      state: 'open',
      opened_ms: this.#clock.now(),
      answer: null,
      answered_ms: null,
      answeredBy: null,
      delivered: false,
    };
    this.#table.insert(record);
    const { id, kind, title, detail, agent } = record;
    const data = { approval: id, kind, title, detail };
    this.#append(
      'approval.opened',
      record,
      agent.includes(':') ? (agent as Principal) : `agent:${agent}`,
      data,
    );
    return record;
  }

  /** A permission takes `allow` (and may say why in `text`); a question takes `text`. */
  answer(id: string, answer: ApprovalAnswer, by: Principal): ApprovalView {
    return this.#store.transaction(() => {
      const record = this.#require(id);
      if (record.state !== 'open') throw alreadySettled(record);
      const checked = checkedAnswer(record, answer);
      this.#table.settle(id, 'answered', checked, this.#clock.now(), by);
      this.#append('approval.answered', record, by, { approval: id, answer: checked, by });
      this.#tellAfterCommit(id);
      return this.get(id);
    });
  }

  /** No call waits for it any more. Returns null where it was settled already. */
  withdraw(id: string, by: Principal, grade: Evidence['grade'] = 'enforced'): ApprovalView | null {
    return this.#store.transaction(() => {
      const record = this.#require(id);
      if (record.state !== 'open') return null;
      this.#table.settle(id, 'withdrawn', null, this.#clock.now(), null);
      this.#append('approval.withdrawn', record, by, { approval: id }, grade);
      this.#tellAfterCommit(id);
      return this.get(id);
    });
  }

  get(id: string): ApprovalView {
    return toView(this.#require(id));
  }

  /** Null where there is none of this id. */
  find(id: string): ApprovalView | null {
    const record = this.#table.byId(id);
    return record === null ? null : toView(record);
  }

  byRequest(request: string): ApprovalView | null {
    const record = this.#table.byRequest(request);
    return record === null ? null : toView(record);
  }

  /** Open ones, oldest first; with `state: 'all'` followed by the newest settled ones. */
  list(filter: { agent?: string; state?: 'open' | 'all' } = {}): ApprovalView[] {
    const agent = filter.agent ?? null;
    const records = this.#table.open(agent);
    if (filter.state === 'all') records.push(...this.#table.settled(agent));
    return records.map(toView);
  }

  countOpen(agent: string): number {
    return this.#table.countOpen(agent);
  }

  openOfRun(run: string): ApprovalView[] {
    return this.#table.openOfRun(run).map(toView);
  }

  /** Answered permissions whose answer is not known to have reached the run: sent again by a new host. */
  undelivered(run: string): (ApprovalView & { request: string })[] {
    return this.#table.undelivered(run).map((record) => ({ ...toView(record), request: record.request }));
  }

  markDelivered(id: string): void {
    this.#table.markDelivered(id);
  }

  /**
   * Calls back once when it is answered or withdrawn: soon, if that has happened already. The returned function
   * stops listening.
   */
  onAnswered(id: string, callback: (approval: ApprovalView) => void): () => void {
    const { state } = this.#require(id);
    const listeners = this.#waiting.get(id) ?? new Set();
    this.#waiting.set(id, listeners);
    listeners.add(callback);
    if (state !== 'open') this.#tellAfterCommit(id);
    return () => {
      listeners.delete(callback);
      if (listeners.size === 0 && this.#waiting.get(id) === listeners) this.#waiting.delete(id);
    };
  }

  /** Whether a call waits for it right now. */
  awaited(id: string): boolean {
    return this.#waiting.has(id);
  }

  #append<T extends Extract<Topic, `approval.${string}`>>(
    topic: T,
    { agent, run }: ApprovalRecord,
    principal: Principal,
    data: Topics[T],
    grade: Evidence['grade'] = 'enforced',
  ): void {
    // Of an outside client there is a principal, and no agent.
    this.#events.append({ topic, agent: agent.includes(':') ? null : agent, run, principal, grade, data });
  }

  #require(id: string): ApprovalRecord {
    const record = this.#table.byId(id);
    if (record !== null) return record;
    throw new AetherError({
      code: 'approval.unknown',
      who: 'user',
      message: `There is no approval ${JSON.stringify(cutText(id, { chars_max: 64 }))}.`,
      next: 'List the open ones (aether approvals) and use an id from there.',
    });
  }

  /** Transactions are synchronous: by the next microtask the row is committed, or as it was. */
  #tellAfterCommit(id: string): void {
    this.#settled.add(id);
    if (this.#settled.size > 1) return;
    queueMicrotask(() => {
      const settled = this.#settled;
      this.#settled = new Set();
      for (const settledId of settled) {
        const record = this.#table.byId(settledId);
        if (record === null || record.state === 'open') continue; // rolled back
        const listeners = this.#waiting.get(settledId);
        this.#waiting.delete(settledId);
        for (const listener of listeners ?? []) listener(toView(record));
      }
    });
  }
}

function checkedAnswer(record: ApprovalRecord, answer: ApprovalAnswer): ApprovalAnswer {
  const text = answer.text?.trim();
  if (text !== undefined && Buffer.byteLength(text) > limits.question_text_bytes_max) {
    throw new AetherError({
      code: 'approval.too-long',
      who: 'user',
      message: `The answer is longer than ${limits.question_text_bytes_max} bytes.`,
      next: 'Shorten it, or put it in a file and say where.',
    });
  }
  if (record.kind === 'question') {
    if (text) return { text };
    throw new AetherError({
      code: 'approval.text-needed',
      who: 'user',
      message: 'A question is answered with a text.',
      next: 'Say what the agent should know.',
    });
  }
  if (answer.allow === undefined) {
    throw new AetherError({
      code: 'approval.decision-needed',
      who: 'user',
      message: 'A permission is answered with allow or deny.',
      next: 'Choose one; a text may say why.',
    });
  }
  return text ? { allow: answer.allow, text } : { allow: answer.allow };
}

function alreadySettled(record: ApprovalRecord): AetherError {
  return new AetherError({
    code: 'approval.settled',
    who: 'user',
    message:
      record.state === 'withdrawn'
        ? 'This answer is no longer needed: the question was withdrawn.'
        : `This was already answered by ${record.answeredBy ?? 'an operator'}.`,
    next: 'Nothing is left to do here.',
  });
}

function firstLine(text: string): string {
  const line = text.trim().split('\n', 1)[0] ?? '';
  return shortText(line, TITLE_CHARS_MAX);
}

function toView(record: ApprovalRecord): ApprovalView {
  const { request: _request, delivered: _delivered, ...view } = record;
  return view;
}
