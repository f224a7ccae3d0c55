/**
 * What the journal says of a run's processes as a whole: what holds them together, who they are, and whether they stand
 * still. Part of the run's record, so that a host that finds the shim dead knows which processes to look for.
 */
import type { Evidence } from '../api.ts';
import type { EgressDecision } from '../egress/egress-protocol.ts';
import type { Fact } from '../events/topics.ts';
import type {
  AdoptedRecord,
  ContainmentRecord,
  JournalRecord,
  PauseRecord,
  ProcessStatus,
  SwapRecord,
  ThawRecord,
} from '../shim/shim-protocol.ts';
import { RecordType } from '../shim/shim-protocol.ts';
import type { RunRecord, RunTree } from '../store/runs.ts';

/** A program that makes orphans without end: the newest are the likeliest to live. */
const KNOWN_MAX = 1_000;

/** What a record says that is an event as well. */
export type Recorded = Fact<
  | 'process.started'
  | 'process.exited'
  | 'run.exited'
  | 'run.paused'
  | 'run.resumed'
  | 'record.quarantined'
  | 'network.reached'
  | 'network.refused'
  | 'journal.damaged'
  | 'journal.unreadable'
  | `swap.${SwapRecord['phase']}`
>;

/** Enters one record. @returns the event to be recorded with it, if any */
export function noteInTree(tree: RunTree, record: JournalRecord): Recorded | null {
  const json = <T>(): T => JSON.parse(record.payload.toString()) as T;
  switch (record.type) {
    case RecordType.contained:
      tree.containment = json<ContainmentRecord>();
      return null;
    case RecordType.spawned: {
      const { pid, start_ticks } = json<ProcessStatus>();
      know(tree, { pid, start_ticks, process: record.process });
      return null;
    }
    case RecordType.adopted:
      know(tree, json<AdoptedRecord>());
      return null;
    case RecordType.exited:
      tree.known = tree.known.filter(({ process }) => process !== record.process);
      return null;
    case RecordType.reaped: {
      const { pid } = json<{ pid: number }>();
      tree.known = tree.known.filter((known) => known.pid !== pid);
      return null;
    }
    case RecordType.paused: {
      const pause = json<PauseRecord>();
      tree.pause = { ...pause, since_ms: record.at_ms };
      return { topic: 'run.paused', data: pause };
    }
    case RecordType.thawed:
      return thawed(tree, json<ThawRecord>(), record.at_ms);
    case RecordType.egress:
      return decided(json<EgressDecision>());
    case RecordType.runExited:
      over(tree, record.at_ms);
      return null;
    default:
      return null;
  }
}

/** What the proxy of the run let through, or did not. */
function decided({ outcome, host, port, reason, address, count }: EgressDecision): Recorded {
  if (outcome === 'reached') return { topic: 'network.reached', data: { host, port } };
  const more = address === undefined ? {} : { address };
  return { topic: 'network.refused', data: { host, port, reason: reason ?? 'malformed', count, ...more } };
}

function know(tree: RunTree, entry: RunTree['known'][number]): void {
  tree.known = [...tree.known, entry].slice(-KNOWN_MAX);
}

function thawed(tree: RunTree, thaw: ThawRecord, at_ms: number): Recorded {
  const from_ms = tree.pause?.since_ms ?? at_ms;
  endPause(tree, at_ms);
  if (thaw.reason === 'resume') tree.away = { opId: thaw.opId, from_ms, to_ms: at_ms };
  return { topic: 'run.resumed', data: { ...thaw, paused_ms: Math.max(0, at_ms - from_ms) } };
}

/** It stands still because it is held. */
export function standsHeld(tree: RunTree, at_ms: number): void {
  tree.held ??= { since_ms: at_ms, paused_ms: stoodStill(tree, at_ms) };
}

/** It is not held any more, or does not stand still yet. What it was paused meanwhile is counted there. */
export function standsFree(tree: RunTree, at_ms: number): void {
  if (tree.held === undefined) return;
  const paused_ms = stoodStill(tree, at_ms) - tree.held.paused_ms;
  tree.held_ms = (tree.held_ms ?? 0) + Math.max(0, at_ms - tree.held.since_ms - paused_ms);
  delete tree.held;
}

function endPause(tree: RunTree, at_ms: number): void {
  if (tree.pause !== null) tree.paused_ms += Math.max(0, at_ms - tree.pause.since_ms);
  tree.pause = null;
}

/** The run has ended, known or lost: nothing of it is paused, and there is no agent to be told. */
export function over(tree: RunTree, at_ms: number): void {
  standsFree(tree, at_ms);
  endPause(tree, at_ms);
  tree.away = null;
  tree.known = [];
}

/** How long it has been paused in sum: counts against no limit. */
export function stoodStill(tree: RunTree, now_ms: number): number {
  return tree.paused_ms + (tree.pause === null ? 0 : Math.max(0, now_ms - tree.pause.since_ms));
}

/** How long a run that is over lived, without the time in which it was not let: paused or held. */
export function livedFor({ tree, started_ms }: RunRecord, exited_ms: number): number {
  return Math.max(0, exited_ms - started_ms - tree.paused_ms - (tree.held_ms ?? 0));
}

/** How a pause is known. */
export function pauseEvidence(pause: NonNullable<RunTree['pause']>): Evidence {
  const { processes, means, ticks, sample_ms, since_ms, by } = pause;
  const who = processes === 1 ? 'its one process is frozen' : `all ${processes} processes are frozen`;
  return {
    source: 'shim',
    grade: 'enforced',
    what: `paused by ${by}: ${who} (${means}); ${ticks} CPU ticks in ${sample_ms} ms`,
    at_ms: since_ms,
  };
}
