/**
 * Tool calls that stand at the plugin's gate. Each goes to the host first; what the host lets pass is checked against the
 * agent's rules, and what those want a person asked about goes to the host once more. No answer, no tool.
 */
import { isAbsolute, relative, resolve } from 'node:path';
import { decide } from '../../permission-rules.ts';
import { factsOf } from '../tools.ts';
import type { DriverRequest, ObservedEvent, PermissionSpec, PluginNotice } from './driver-protocol.ts';

type Ask = Extract<PluginNotice, { type: 'ask' }>;
type GateVerdict = Extract<DriverRequest, { type: 'gate' }>;
type PermissionVerdict = Extract<DriverRequest, { type: 'permission' }>;

interface Standing {
  ask: Ask;
  stage: 'gate' | 'permission';
}

/** What an engine asks at once; a call beyond it is refused. */
const STANDING_MAX = 200;
const INTERRUPTED = 'The operator interrupted this turn.';

export interface AsksEvents {
  emit(event: ObservedEvent): void;
  /** @param refusal null: it may run */
  answer(id: string, refusal: string | null): void;
  /** Ends the turn that asked. */
  abort(sessionKey: string | null): Promise<void>;
  /** A call that waits for a person; null: it no longer does. */
  waiting(tool: string | null): void;
}

export class Asks {
  readonly #permissions: PermissionSpec;
  readonly #own: string;
  readonly #workspace: string;
  readonly #events: AsksEvents;
  readonly #standing = new Map<string, Standing>();

  /** @param own the agent's own conversation: what asks elsewhere is a subagent */
  constructor(
    permissions: PermissionSpec,
    { own, workspace }: { own: string; workspace: string },
    events: AsksEvents,
  ) {
    this.#permissions = permissions;
    this.#own = own;
    this.#workspace = workspace;
    this.#events = events;
  }

  asked(ask: Ask): void {
    if (this.#standing.size >= STANDING_MAX) {
      this.#events.answer(ask.id, `${STANDING_MAX} calls wait for an answer already.`);
      return;
    }
    this.#standing.set(ask.id, { ask, stage: 'gate' });
    const subagent =
      ask.sessionKey === null || ask.sessionKey === this.#own ? {} : { subagent: ask.sessionKey };
    this.#events.emit({
      kind: 'gate-asked',
      requestId: ask.id,
      tool: ask.tool,
      input: ask.input,
      toolUseId: ask.toolUseId ?? ask.id,
      ...subagent,
    });
  }

  /** The agent's own turns are ended, and OpenClaw does not tell the hook that waits. */
  interrupted(): void {
    for (const { ask } of this.#standing.values()) {
      if (ask.sessionKey !== null && ask.sessionKey !== this.#own) continue;
      this.left(ask.id);
      this.#events.answer(ask.id, INTERRUPTED);
    }
  }

  left(id: string): void {
    const standing = this.#standing.get(id);
    if (standing === undefined) return;
    this.#standing.delete(id);
    this.#events.emit({ kind: `${standing.stage}-withdrawn`, requestId: id });
    if (standing.stage === 'permission') this.#events.waiting(null);
  }

  judged({ requestId, verdict, message }: GateVerdict): void {
    const standing = this.#standing.get(requestId);
    if (standing?.stage !== 'gate') return;
    if (verdict === 'deny') this.#settle(standing, message ?? 'The operator did not allow it.');
    else if (verdict === 'stop') this.#stop(standing, message ?? 'The operator has the floor.');
    else this.#applyRules(standing, verdict === 'allow');
  }

  permitted({ requestId, allow, message }: PermissionVerdict): void {
    const standing = this.#standing.get(requestId);
    if (standing?.stage !== 'permission') return;
    this.#settle(standing, allow ? null : message || 'The operator did not allow this.');
    this.#events.waiting(null);
  }

  /** @param byPerson a person allowed it: only a rule that denies it still counts */
  #applyRules(standing: Standing, byPerson: boolean): void {
    const { ask } = standing;
    const { aether, looks, subject, shell } = factsOf(ask.tool, ask.input);
    const decision = decide(this.#permissions, {
      tool: ask.tool,
      subject,
      shell,
      readOnly: looks?.every((path) => isWithin(this.#workspace, path)) ?? false,
      granted: aether !== null,
    });
    if (decision === 'deny')
      this.#settle(standing, `The agent's permissions do not allow this call of ${ask.tool}.`);
    else if (decision === 'allow' || byPerson) this.#settle(standing, null);
    else {
      standing.stage = 'permission';
      this.#events.emit({
        kind: 'permission-asked',
        requestId: ask.id,
        tool: ask.tool,
        input: ask.input,
        toolUseId: ask.toolUseId ?? ask.id,
      });
      this.#events.waiting(ask.tool);
    }
  }

  #settle({ ask }: Standing, refusal: string | null): void {
    this.#standing.delete(ask.id);
    this.#events.answer(ask.id, refusal);
  }

  /** The turn is ended first: a refusal alone would be followed by another model request. */
  #stop({ ask }: Standing, message: string): void {
    this.#standing.delete(ask.id);
    const answer = () => this.#events.answer(ask.id, message);
    this.#events.abort(ask.sessionKey).then(answer, answer);
  }

  /** No host is left that could answer. */
  refuseAll(why: string): void {
    for (const { ask } of this.#standing.values()) this.#events.answer(ask.id, why);
    this.#standing.clear();
  }
}

function isWithin(directory: string, path: string): boolean {
  const from = relative(directory, resolve(directory, path));
  return from === '' || (!from.startsWith('..') && !isAbsolute(from));
}
