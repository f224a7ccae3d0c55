/**
 * The gate of a run: its engine asks before every tool call, once at the gate and once more where its own rules want a
 * person asked, and the host lets the call pass, asks the operator, or holds it back. What waits is part of the run's
 * record, saved with the journal offset at which it was read; an answer counts as given once the journal has it. So a
 * waiting call survives the death of a host and is answered once.
 */
import type { Frame } from '../../../runtimes/runtime.ts';
import type { Agents } from '../../agents/agents.ts';
import type { ApprovalView } from '../../api.ts';
import type { Approvals } from '../../approvals/approvals.ts';
import type { Clock } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import type { Events } from '../../events/events.ts';
import type { Topic, Topics } from '../../events/topics.ts';
import { limits } from '../../limits.ts';
import type { Log } from '../../log.ts';
import { engineHasFloor } from '../../runs/floor.ts';
import type { Run } from '../../runs/run.ts';
import { type GateCall, newGate } from '../../store/run-parts.ts';
import type { Store } from '../../store/store.ts';
import { breakOff } from '../turn/turn.ts';
import { isHeld, STOPPED } from './policies.ts';
import { decide, type Failure, type Policy, withheld } from './policy.ts';
import { type AskedCall, detailOf, type PermissionDetail, questionAbout, requestKey } from './question.ts';
import * as record from './record.ts';

export interface GateParts {
  store: Store;
  clock: Clock;
  log: Log;
  events: Pick<Events, 'append'>;
  agents: Pick<Agents, 'find' | 'change'>;
  approvals: Approvals;
  /** In the order in which they are asked. */
  policies: readonly Policy[];
  /** What the agent is shown to do may have changed. */
  show(run: Run, at_ms: number): void;
}

/** The frame that carries the answer: the shim writes it once, and the journal tells of it by this id. */
const frameId = ({ stage, requestId, approval }: GateCall): string =>
  stage === 'gate' ? `gate:${requestId}` : `approval-${approval ?? requestId}`;

export class Gate {
  readonly #run: Run;
  readonly #p: GateParts;
  /** Ids of frames that are on their way to the shim; a new host begins with none. */
  readonly #onTheWay = new Set<string>();
  /** By request: how long it had waited at the first look, and when that was on a clock that cannot be set. */
  readonly #firstLooks = new Map<string, { waited_ms: number; elapsed_ms: number }>();
  /** Policies that kept an answer back because they failed: told once. */
  readonly #failed = new Set<string>();
  /** Answers to questions that an older host kept beside the record: it may have sent them. */
  readonly #older = new Set<string>();
  #shut = false;

  constructor(run: Run, parts: GateParts) {
    this.#run = run;
    this.#p = parts;
  }

  /* ---------- inside the transaction that saves the journal offset ---------- */

  asked(call: AskedCall, at_ms: number): void {
    const { gate } = this.#run.record;
    if (call.stage === 'gate') record.asks(gate);
    if (gate.waiting.length >= limits.gate_calls_waiting_max) {
      this.#tooMany(gate.waiting.length);
      return;
    }
    const decision = decide(this.#p.policies, call, this.#run);
    if ('policy' in decision) {
      this.#policyFailed(decision, call.toolUseId);
      this.#wait(call, at_ms, { verdict: 'none' });
    } else if (decision.verdict === 'ask') this.#ask(call, at_ms, decision.authority);
    else this.#wait(call, at_ms, decision);
  }

  /** It could not be read, or no person can be asked: its engine is told that it does not run. */
  refuse(call: AskedCall, at_ms: number, message: string, authority?: PermissionDetail['authority']): void {
    const { approvals } = this.#p;
    approvals.refuse(questionAbout(this.#run, call, authority), message);
    const { id } = approvals.byRequest(requestKey(this.#run, call.requestId))!;
    approvals.markDelivered(id);
    this.#wait(call, at_ms, { verdict: 'deny', message, approval: id });
  }

  #ask(call: AskedCall, at_ms: number, authority: PermissionDetail['authority']): void {
    const { approvals } = this.#p;
    if (approvals.countOpen(this.#run.record.agent) >= limits.approvals_open_per_agent_max) {
      const why = authority === undefined ? '' : `${authority.why}, and `;
      this.refuse(call, at_ms, `Not run: ${why}too many questions already wait for the operator.`, authority);
      return;
    }
    const { approval } = approvals.open(questionAbout(this.#run, call, authority));
    this.#wait(call, at_ms, { verdict: 'ask', approval: approval.id });
  }

  #wait(call: AskedCall, at_ms: number, answer: Pick<GateCall, 'verdict'> & Partial<GateCall>): void {
    const { input: _input, cwd: _cwd, ...rest } = call;
    record.waits(this.#run.record.gate, { ...rest, at_ms, ...answer });
    this.#p.show(this.#run, at_ms);
  }

  /** The engine gave the call up: it did not run. */
  left(requestId: string, stage: GateCall['stage'], at_ms: number): void {
    const { approvals } = this.#p;
    this.#takeOut((waiting) => waiting.requestId === requestId && waiting.stage === stage);
    // By its key: an older host kept the question beside the record.
    const asked = approvals.byRequest(requestKey(this.#run, requestId));
    if (asked !== null) approvals.withdraw(asked.id, `agent:${this.#run.record.agent}`, 'observed');
    this.#p.show(this.#run, at_ms);
  }

  /** The shim has written this frame to the engine. */
  written(frame: string): void {
    const { floor, gate } = this.#run.record;
    if (frame === `gate-install-${floor.process}`) record.isInstalled(gate);
    const call = this.#takeOut((waiting) => frameId(waiting) === frame);
    if (call === null) return;
    if (call.verdict === 'pass' || call.verdict === 'allow') record.runs(gate, call);
    this.#p.show(this.#run, this.#p.clock.now());
  }

  /** A tool has answered. One that ran before it was let through shows that another process answered, or the gate was not asked. */
  toolAnswered({ toolUseId, isError }: { toolUseId: string; isError: boolean }, at_ms: number): void {
    const { floor, gate } = this.#run.record;
    const passed = record.hasAnswered(gate, toolUseId);
    // An engine that gives a call up says so before it tells the call's result.
    const open = this.#takeOut((waiting) => waiting.toolUseId === toolUseId);
    if (open?.approval !== undefined) this.#p.approvals.withdraw(open.approval, 'host');
    const asks = this.#run.runtime.capabilities.gate !== undefined && engineHasFloor(floor);
    // An engine that is being ended fails the calls that it gives up.
    const givenUp = isError && this.#run.record.state === 'stopping';
    const ran = (open !== null && !givenUp) || (!passed && !isError);
    if (asks && ran && (record.bypassed(gate, toolUseId) || open !== null))
      this.#append('gate.bypassed', { toolUseId }, 'observed');
    this.#p.show(this.#run, at_ms);
  }

  /** A new process has the floor: nothing of the one before it waits any more. */
  processStarted(): void {
    const { gate } = this.#run.record;
    for (const { approval } of gate.waiting)
      if (approval !== undefined) this.#p.approvals.withdraw(approval, 'host');
    Object.assign(gate, newGate());
    this.#firstLooks.clear();
  }

  #takeOut(which: (call: GateCall) => boolean): GateCall | null {
    const call = record.takeOut(this.#run.record.gate, which);
    if (call === null) return null;
    this.#onTheWay.delete(frameId(call));
    this.#firstLooks.delete(call.requestId);
    return call;
  }

  #tooMany(waiting: number): void {
    const text = `${waiting} tool calls wait for an answer: further calls get none and do not run.`;
    this.#append('engine.note', { level: 'error', text }, 'observed');
  }

  #policyFailed({ policy, error }: Failure, toolUseId: string | null): void {
    const { log } = this.#p;
    const why = messageOf(error);
    log.error({ run: this.#run.id, policy, error: why }, 'a policy failed: a tool call gets no answer');
    const call = toolUseId === null ? {} : { toolUseId };
    this.#append('gate.policy-failed', { policy, ...call, why }, 'enforced');
  }

  #append<T extends Topic>(topic: T, data: Topics[T], grade: 'enforced' | 'observed'): void {
    const { agent } = this.#run.record;
    this.#p.events.append({ topic, agent, run: this.#run.id, principal: 'host', grade, data });
  }

  /* ---------- after the commit ---------- */

  /** Nothing is answered until the returned function was called: something has to reach the engine first. */
  keepShut(): () => void {
    this.#shut = true;
    return () => {
      this.#shut = false;
    };
  }

  /** Answers every call that nothing holds back. Call whenever one may have come, or a reason to wait gone. */
  pass(): void {
    const run = this.#run;
    const { floor, gate } = run.record;
    if (run.ended || !run.connected || !engineHasFloor(floor) || this.#shut) return;
    if (!gate.installed) this.#install('installed: an older host started this engine');
    if (gate.ungated !== null) this.#close();
    for (const call of gate.waiting) {
      if (call.verdict === 'ask' || call.verdict === 'none' || this.#onTheWay.has(frameId(call))) continue;
      if (this.#keptBack(call)) continue;
      const frame = this.#frame(call);
      if (frame !== null) this.#write(frame, 'a tool call still waits for its answer');
    }
  }

  /** Its answer, that it may run, is on the way to the engine. */
  isPassing(call: GateCall): boolean {
    return (call.verdict === 'pass' || call.verdict === 'allow') && this.#onTheWay.has(frameId(call));
  }

  #keptBack(call: GateCall): boolean {
    const kept = withheld(this.#p.policies, call, this.#run);
    if (typeof kept === 'boolean') return kept;
    if (!this.#failed.has(kept.policy)) this.#policyFailed(kept, call.toolUseId);
    this.#failed.add(kept.policy);
    return true;
  }

  #frame(call: GateCall): Frame | null {
    const { runtime } = this.#run;
    const { stage, requestId, verdict, message = null, approval } = call;
    if (verdict === 'ask' || verdict === 'none') return null;
    const id = frameId(call);
    if (stage === 'gate') {
      const frame = runtime.gate?.({ requestId, verdict, message });
      return frame === undefined ? null : { ...frame, id };
    }
    const asked = approval === undefined ? null : this.#p.approvals.find(approval);
    const input = asked === null ? {} : (detailOf(asked)?.input ?? {});
    const frame = runtime.permission?.({ requestId, allow: verdict === 'allow', message, input });
    return frame === undefined ? null : { ...frame, id };
  }

  #write(frame: Frame, failed: string): void {
    this.#onTheWay.add(frame.id);
    this.#run.write(frame).then(
      () => (this.#older.has(frame.id) ? this.#writtenBefore(frame.id) : undefined),
      (error: unknown) => {
        this.#onTheWay.delete(frame.id);
        this.#p.log.warn({ run: this.#run.id, error: messageOf(error) }, failed);
        this.#showAgain();
      },
    );
  }

  /** What was on the way is not any more: held, the agent may stand still now. */
  #showAgain(): void {
    const { log, show, clock } = this.#p;
    if (this.#run.closed || this.#run.ended) return;
    try {
      this.#run.save(() => show(this.#run, clock.now()));
    } catch (error) {
      log.warn({ run: this.#run.id, error: messageOf(error) }, 'the hold of an agent was not saved');
    }
  }

  /** The shim writes each frame once: one that it knew already is told of by no new record. */
  async #writtenBefore(frame: string): Promise<void> {
    await this.#run.pump();
    if (this.#older.delete(frame) && !this.#run.closed) this.#run.save(() => this.written(frame));
  }

  /** An engine without a gate gets one if it takes one. */
  #install(why: string): void {
    const frame = this.#run.runtime.installGate?.(`gate-install-${this.#run.record.floor.process}`);
    if (frame !== undefined && !this.#onTheWay.has(frame.id)) this.#write(frame, `no gate was ${why}`);
  }

  /** Held, the turn of an engine without a gate is cut short: nothing else would stop it. */
  #close(): void {
    const { record: run, runtime } = this.#run;
    this.#install('installed: a tool ran without asking');
    const turns = run.turn.says !== null && run.turn.says.activity !== 'idle';
    if (!turns || !isHeld(this.#p.agents, this.#run)) return;
    const frame = runtime.interrupt?.(`gate-interrupt-${run.floor.process}-${run.turn.says?.at_ms}`);
    if (frame !== undefined && !this.#onTheWay.has(frame.id))
      this.#write(frame, 'a turn could not be cut short');
  }

  /** The operator has answered the question on which a call waits. */
  answered(approval: ApprovalView): void {
    const { store, approvals, clock, show } = this.#p;
    const allow = approval.answer?.allow === true;
    const message = approval.answer?.text ?? (allow ? undefined : 'The operator did not allow this.');
    store.transaction(() => {
      this.#run.save(({ gate }) => {
        record.decided(gate, (call) => call.approval === approval.id && call.verdict === 'ask', {
          verdict: allow ? 'allow' : 'deny',
          ...(message === undefined ? {} : { message }),
        });
        show(this.#run, clock.now());
      });
      approvals.markDelivered(approval.id);
    });
    this.pass();
  }

  /** The engine was told to pass it, or has passed it: for calls of ours that it is on its way to make. */
  hasPassed(toolUseId: string, tool: string): boolean {
    const { running, waiting } = this.#run.record.gate;
    const same = (call: { toolUseId: string | null; tool: string }) =>
      call.toolUseId === toolUseId && this.#run.runtime.callFacts?.(call.tool, null).aether === tool;
    return running.some(same) || waiting.some((call) => same(call) && this.#onTheWay.has(frameId(call)));
  }

  /**
   * Calls that have waited for nearly as long as the engine waits are refused by the host: the engine would refuse
   * them itself and go on to the next. Of a held agent that ends the turn, and `resume` goes on with it.
   */
  endLongWaits(): void {
    const wait_ms = this.#run.runtime.capabilities.gate?.wait_ms_max ?? null;
    if (wait_ms === null || this.#run.ended || !engineHasFloor(this.#run.record.floor)) return;
    const enough_ms = wait_ms - Math.min(limits.gate_margin_ms, wait_ms / 2);
    const long = this.#run.record.gate.waiting.filter(
      (call) => call.stage === 'gate' && call.verdict !== 'stop' && this.#waited(call) >= enough_ms,
    );
    if (long.length === 0) return;
    const { store, agents, approvals } = this.#p;
    const held = isHeld(agents, this.#run);
    store.transaction(() => {
      this.#run.save(({ gate, turn }) => {
        for (const { approval } of long) if (approval !== undefined) approvals.withdraw(approval, 'host');
        const message = held ? STOPPED : 'Not run: the question whether it may was not answered.';
        record.decided(gate, (call) => long.includes(call), { verdict: held ? 'stop' : 'deny', message });
        if (held) breakOff(turn);
      });
      if (!held) return;
      const tools = long.map((call) => call.tool);
      agents.change(this.#run.record.agent, (changed) => {
        if (changed.hold !== null)
          changed.hold = { ...changed.hold, blocked: [...changed.hold.blocked, ...tools].slice(-20) };
      });
    });
    this.pass();
  }

  #waited({ requestId, at_ms }: GateCall): number {
    const { clock } = this.#p;
    const first = this.#firstLooks.get(requestId) ?? {
      waited_ms: Math.max(0, clock.now() - at_ms),
      elapsed_ms: clock.elapsed(),
    };
    this.#firstLooks.set(requestId, first);
    return first.waited_ms + clock.elapsed() - first.elapsed_ms;
  }

  /** After a host start: questions that an older host kept beside the record come into it, answers on their way too. */
  adopt(): void {
    const { store, approvals, clock } = this.#p;
    const { waiting } = this.#run.record.gate;
    const known = new Set(waiting.map(({ approval }) => approval));
    const open = [...approvals.openOfRun(this.#run.id), ...approvals.undelivered(this.#run.id)];
    const older = open.filter((approval) => approval.kind === 'permission' && !known.has(approval.id));
    if (older.length > 0 && !this.#run.ended)
      store.transaction(() => {
        this.#run.save(({ gate }) => {
          for (const { id, opened_ms, ...approval } of older) {
            const { stage, requestId, tool, toolUseId = null } = detailOf({ id, opened_ms, ...approval })!;
            const call = { stage, requestId, tool, toolUseId, at_ms: opened_ms, approval: id };
            record.waits(gate, { ...call, verdict: 'ask' });
            this.#older.add(frameId({ ...call, verdict: 'ask' }));
          }
          this.#p.show(this.#run, clock.now());
        });
      });
    for (const approval of approvals.undelivered(this.#run.id))
      if (approval.kind === 'permission') this.answered(approval);
    this.pass();
  }
}
