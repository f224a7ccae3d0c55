/**
 * The gate of a run: its engine asks before every tool call, and the host lets it pass, asks the operator, or
 * holds it back. What stands at the gate is part of the run's record, saved with the journal offset that told of
 * it; an answer counts as given once the journal has it. So a call waits out the death of a host and is answered
 * once, by whichever host is there.
 */
import type { ObservedEvent } from '../../runtimes/runtime.ts';
import type { ApprovalView } from '../api.ts';
import { messageOf } from '../errors.ts';
import { limits } from '../limits.ts';
import { engineHasFloor } from '../runs/floor.ts';
import type { Run } from '../runs/run.ts';
import { type GateCall, newGate, type TurnRecord } from '../store/run-parts.ts';
import { engineActivity, showActivity } from './activity.ts';
import { beyondAuthority } from './authority.ts';
import { breakOff, saysNothing, turnEnded } from './turn/turn.ts';
import type { Wiring } from './wiring.ts';

const FRAME = 'gate:';
/** More calls than ever run at once. */
const PASSED_KEPT = 100;
const STOPPED =
  'Not run: the operator holds this agent, and this call waited as long as it could. Wait for a message that says otherwise.';

/** Answers that are on their way to the shim; a new host begins with none. */
const onTheWay = new WeakMap<Run, Set<string>>();
/** How long a call had waited when it was first looked at, and when that was on a clock that nobody sets. */
/** Runs that are being resumed. */
const shut = new WeakSet<Run>();
const firstLooks = new WeakMap<Run, Map<string, { waited_ms: number; elapsed_ms: number }>>();

/* ---------- inside the transaction that saves the journal offset ---------- */

export function gateAsked(
  wiring: Wiring,
  run: Run,
  event: Extract<ObservedEvent, { kind: 'gate-asked' }>,
  at_ms: number,
): void {
  const { turn, gate } = run.record;
  const { requestId, tool, input, toolUseId, subagent } = event;
  // It asks, so its gate is there.
  gate.ungated = null;
  const call: GateCall = {
    requestId,
    stage: 'gate',
    tool,
    toolUseId,
    ...(subagent === undefined ? {} : { subagent }),
    at_ms,
    verdict: 'pass',
  };
  // The turn of a held agent is being ended: what it still wants is ended with it.
  if (turn.goesOn && wiring.agents.find(run.record.agent)?.hold != null)
    Object.assign(call, { verdict: 'stop', message: STOPPED });
  else Object.assign(call, beyondAuthority(wiring, run, { requestId, tool, input, toolUseId }));
  gate.waiting = [...gate.waiting, call];
  showActivity(wiring, run, at_ms);
}

/** A call that could not be read: its engine is told that it does not run. */
export function refuseAtGate(
  wiring: Wiring,
  run: Run,
  asked: { requestId: string; tool: string; toolUseId?: string },
  why: string,
): void {
  const { gate } = run.record;
  const { requestId, tool, toolUseId = '' } = asked;
  const at_ms = wiring.clock.now();
  const call = { requestId, tool, toolUseId, at_ms, message: why };
  gate.waiting = [...gate.waiting, { ...call, stage: 'gate', verdict: 'deny' }];
  showActivity(wiring, run, at_ms);
}

/** The engine gave the call up: it did not run. */
export function gateLeft(wiring: Wiring, run: Run, requestId: string, at_ms: number): void {
  const call = takeOut(run, requestId);
  if (call?.approval !== undefined) wiring.approvals.withdraw(call.approval, 'host');
  showActivity(wiring, run, at_ms);
}

/** The shim has written this frame to the engine. */
export function gateAnswered(wiring: Wiring, run: Run, frame: string): void {
  if (!frame.startsWith(FRAME)) return;
  const call = takeOut(run, frame.slice(FRAME.length));
  if (call === undefined) return;
  const { toolUseId, tool, subagent, verdict } = call;
  const { gate } = run.record;
  if ((verdict === 'pass' || verdict === 'allow') && toolUseId !== null) {
    const passed = { toolUseId, tool, ...(subagent === undefined ? {} : { subagent }) };
    gate.running = [...gate.running, passed];
    gate.passed = [...gate.passed, toolUseId].slice(-PASSED_KEPT);
  }
  showActivity(wiring, run, wiring.clock.now());
}

/** A tool has answered. One that ran without having asked shows that this process has no gate. */
export function toolAnswered(
  wiring: Wiring,
  run: Run,
  result: { toolUseId: string; isError: boolean },
  at_ms: number,
): void {
  const { floor, gate } = run.record;
  const passed = gate.passed.includes(result.toolUseId);
  gate.running = gate.running.filter((call) => call.toolUseId !== result.toolUseId);
  const asks = run.runtime.capabilities.gate !== undefined && engineHasFloor(floor);
  if (asks && !passed && !result.isError && gate.ungated === null) {
    gate.ungated = `the tool call ${result.toolUseId}`;
    wiring.events.append({
      topic: 'gate.bypassed',
      agent: run.record.agent,
      run: run.id,
      principal: 'host',
      grade: 'observed',
      data: { toolUseId: result.toolUseId },
    });
  }
  showActivity(wiring, run, at_ms);
}

export function turnOver(run: Run, outcome: NonNullable<TurnRecord['ended']>): void {
  const { turn, gate } = run.record;
  turnEnded(turn, outcome);
  // What a subagent has begun outlives the turn that began it, unless it was cut short.
  gate.running = gate.running.filter((call) => outcome !== 'interrupted' && call.subagent !== undefined);
}

/** A new process has the floor: nothing of the one before it waits any more. */
export function gateForgotten(wiring: Wiring, run: Run): void {
  for (const { approval } of run.record.gate.waiting)
    if (approval !== undefined) wiring.approvals.withdraw(approval, 'host');
  run.record.gate = newGate();
  saysNothing(run.record.turn);
}

function takeOut(run: Run, requestId: string): GateCall | undefined {
  const { gate } = run.record;
  const call = gate.waiting.find((waiting) => waiting.requestId === requestId);
  gate.waiting = gate.waiting.filter((waiting) => waiting !== call);
  onTheWay.get(run)?.delete(requestId);
  firstLooks.get(run)?.delete(requestId);
  return call;
}

/* ---------- after the commit ---------- */

/** Nothing passes until the returned function was called: something has to reach the engine first. */
export function keepShut(run: Run): () => void {
  shut.add(run);
  return () => void shut.delete(run);
}

/** Answers every call that nothing holds back. Call whenever one may have come, or a reason to wait gone. */
export function passGates(wiring: Wiring, run: Run): void {
  const { floor, gate, agent } = run.record;
  if (run.runtime.gate === undefined || run.ended || !run.connected || !engineHasFloor(floor)) return;
  if (shut.has(run)) return;
  const held = wiring.agents.find(agent)?.hold != null;
  const sent = onTheWay.get(run) ?? new Set<string>();
  onTheWay.set(run, sent);
  if (gate.ungated !== null) closeUngated(wiring, run, held, sent);
  for (const { requestId, verdict, message } of gate.waiting) {
    if (verdict === 'ask' || verdict === 'none' || sent.has(requestId)) continue;
    if (held && (verdict === 'pass' || verdict === 'allow')) continue;
    sent.add(requestId);
    const frame = run.runtime.gate({ requestId, verdict, message: message ?? null });
    run.write({ ...frame, id: `${FRAME}${requestId}` }).catch((error: unknown) => {
      sent.delete(requestId);
      wiring.log.warn({ agent, error: messageOf(error) }, 'a tool call still waits for its answer');
    });
  }
}

/** The operator has answered the question on which a call waits. */
export function answerGate(wiring: Wiring, run: Run, approval: ApprovalView): void {
  wiring.store.transaction(() => {
    run.save(({ gate }) => {
      for (const call of gate.waiting) {
        if (call.approval !== approval.id || call.verdict !== 'ask') continue;
        call.verdict = approval.answer?.allow === true ? 'allow' : 'deny';
        call.message = approval.answer?.text ?? 'The operator did not allow this.';
      }
      showActivity(wiring, run, wiring.clock.now());
    });
    wiring.approvals.markDelivered(approval.id);
  });
  passGates(wiring, run);
}

/** The engine was told to pass it, or has passed it: for calls of ours that it is on its way to make. */
export function hasPassed(run: Run, toolUseId: string, tool: string): boolean {
  const { running, waiting } = run.record.gate;
  const same = (call: { toolUseId: string | null; tool: string }) =>
    call.toolUseId === toolUseId && run.runtime.callFacts?.(call.tool, null).aether === tool;
  return (
    running.some(same) ||
    waiting.some((call) => same(call) && onTheWay.get(run)?.has(call.requestId) === true)
  );
}

/** An engine without a gate gets one if it takes one; held, its turn is cut short: nothing else would stop it. */
function closeUngated(wiring: Wiring, run: Run, held: boolean, sent: Set<string>): void {
  const { agent } = run.record;
  const process = run.record.floor.process;
  const frames = [
    run.runtime.installGate?.(`gate-install-${process}`),
    held && engineActivity(run) !== 'idle'
      ? run.runtime.interrupt?.(`gate-interrupt-${process}-${run.record.turn.says?.at_ms}`)
      : undefined,
  ];
  for (const frame of frames) {
    if (frame === undefined || sent.has(frame.id)) continue;
    sent.add(frame.id);
    run.write(frame).catch((error: unknown) => {
      sent.delete(frame.id);
      wiring.log.warn({ agent, error: messageOf(error) }, 'a gate could not be put in');
    });
  }
}

function waitedFor({ clock }: Wiring, run: Run, { requestId, at_ms }: GateCall): number {
  const looks = firstLooks.get(run) ?? new Map<string, { waited_ms: number; elapsed_ms: number }>();
  firstLooks.set(run, looks);
  const first = looks.get(requestId) ?? {
    waited_ms: Math.max(0, clock.now() - at_ms),
    elapsed_ms: clock.elapsed(),
  };
  looks.set(requestId, first);
  return first.waited_ms + clock.elapsed() - first.elapsed_ms;
}

/** Puts the gate into an engine that a host of an older version started: nothing of it ever asked. */
export function gateOfOlderRun(wiring: Wiring, run: Run): void {
  if (run.record.gate.installed || !engineHasFloor(run.record.floor)) return;
  if (run.runtime.installGate === undefined || !run.connected) return;
  run
    .write(run.runtime.installGate(`gate-install-${run.record.floor.process}`))
    .catch((error: unknown) =>
      wiring.log.warn({ agent: run.record.agent, error: messageOf(error) }, 'a gate could not be put in'),
    );
}

/**
 * Calls that have stood at the gate for nearly as long as the engine waits are refused by the host, which ends the
 * turn: the engine would refuse them itself and go on to the next. `resume` goes on with what was ended here.
 */
export function endLongWaits(wiring: Wiring, run: Run): void {
  const wait_ms = run.runtime.capabilities.gate?.wait_ms_max ?? null;
  if (wait_ms === null || run.ended || !engineHasFloor(run.record.floor)) return;
  const enough_ms = wait_ms - Math.min(limits.gate_margin_ms, wait_ms / 2);
  const long = run.record.gate.waiting.filter(
    (call) => call.verdict !== 'stop' && waitedFor(wiring, run, call) >= enough_ms,
  );
  if (long.length === 0) return;
  const held = wiring.agents.find(run.record.agent)?.hold != null;
  wiring.store.transaction(() => {
    run.save(({ turn }) => {
      for (const call of long) {
        if (call.approval !== undefined) wiring.approvals.withdraw(call.approval, 'host');
        call.verdict = held ? 'stop' : 'deny';
        call.message = held ? STOPPED : 'Not run: nobody answered whether it may.';
      }
      if (held) breakOff(turn);
    });
    if (held)
      wiring.agents.change(run.record.agent, (changed) => {
        const tools = long.map((call) => call.tool);
        if (changed.hold !== null)
          changed.hold = { ...changed.hold, blocked: [...changed.hold.blocked, ...tools].slice(-20) };
      });
  });
  passGates(wiring, run);
}
