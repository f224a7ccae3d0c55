/**
 * The gate of a run as its row holds it: which calls wait, which run, which have passed. The one place that writes the
 * gate record. Functions on the record: the caller saves it.
 */
import type { GateCall, GateRecord, PassedCall } from '../../store/run-parts.ts';

/** More calls than ever run at once. */
const PASSED_KEPT = 100;

/** @returns false where it waits already */
export function waits(gate: GateRecord, call: GateCall): boolean {
  if (gate.waiting.some(({ requestId, stage }) => requestId === call.requestId && stage === call.stage))
    return false;
  // At its second stage it has passed the gate, and does not run yet.
  if (call.toolUseId !== null) forget(gate, call.toolUseId);
  gate.waiting = [...gate.waiting, call];
  return true;
}

function forget(gate: GateRecord, toolUseId: string): void {
  gate.running = gate.running.filter((call) => call.toolUseId !== toolUseId);
  gate.passed = gate.passed.filter((id) => id !== toolUseId);
}

/** The outcome of a call that waits. */
export function decided(
  gate: GateRecord,
  which: (call: GateCall) => boolean,
  change: Pick<GateCall, 'verdict'> & Partial<GateCall>,
): void {
  gate.waiting = gate.waiting.map((call) => (which(call) ? { ...call, ...change } : call));
}

/** It waits no longer. */
export function takeOut(gate: GateRecord, which: (call: GateCall) => boolean): GateCall | null {
  const call = gate.waiting.find(which);
  if (call === undefined) return null;
  gate.waiting = gate.waiting.filter((waiting) => waiting !== call);
  return call;
}

/** The engine has the answer that lets it run. */
export function runs(gate: GateRecord, { toolUseId, tool, subagent }: GateCall): void {
  if (toolUseId === null) return;
  const passed: PassedCall = { toolUseId, tool, ...(subagent === undefined ? {} : { subagent }) };
  gate.running = [...gate.running, passed];
  gate.passed = [...gate.passed, toolUseId].slice(-PASSED_KEPT);
}

/** @returns whether it had passed */
export function hasAnswered(gate: GateRecord, toolUseId: string): boolean {
  gate.running = gate.running.filter((call) => call.toolUseId !== toolUseId);
  return gate.passed.includes(toolUseId);
}

/** What a subagent has begun outlives the turn that began it, unless it was cut short. */
export function turnOver(gate: GateRecord, outcome: 'done' | 'failed' | 'interrupted'): void {
  gate.running = gate.running.filter((call) => outcome !== 'interrupted' && call.subagent !== undefined);
}

/** A tool has run without having asked. @returns false where that is known already */
export function bypassed(gate: GateRecord, toolUseId: string): boolean {
  if (gate.ungated !== null) return false;
  gate.ungated = `the tool call ${toolUseId}`;
  return true;
}

/** It asks, so its gate is there. */
export function asks(gate: GateRecord): void {
  gate.ungated = null;
  gate.installed = true;
}

/** The engine was told to ask from now on. */
export function isInstalled(gate: GateRecord): void {
  gate.installed = true;
}
