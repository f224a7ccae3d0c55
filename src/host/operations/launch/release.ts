/**
 * What a run holds, and its release: its processes, its group, its door, its sockets, and the files it was given. All
 * of it follows from the run's id and its record, so the host after a dead one finds it. The journal stays, because it
 * is the record of the run.
 */
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { emptyBeneath } from '../../beneath.ts';
import { messageOf } from '../../errors.ts';
import {
  Group,
  type GroupKind,
  type GroupPlace,
  groupPlace,
  groupScope,
  groupsOf,
  ownGroup,
} from '../../process/cgroup.ts';
import { Containment, type Means } from '../../process/containment.ts';
import { killRemains, type RemainsEnd } from '../../process/left-processes.ts';
import { bootId } from '../../process/proc.ts';
import type { RunPaths } from '../../runs/run.ts';
import type { ShimStart } from '../../shim/shim-protocol.ts';
import type { RunRecord } from '../../store/runs.ts';
import { shortText } from '../../text.ts';
import type { Wiring } from '../wiring.ts';
import { removeKept } from './kept.ts';
import { runOfSocket } from './run-places.ts';

/** What this file uses of the host. */
type Needs = Pick<Wiring, 'log' | 'runs' | 'runTable' | 'stateDir' | 'socketDir' | 'groupKinds' | 'sandbox'>;

const REMAINS_MS = 5_000;
/** A group is empty when its dead are reaped, a moment after they died. */
const GROUP_ATTEMPTS = 40;
const GROUP_PAUSE_MS = 50;
const KINDS: readonly GroupKind[] = ['cgroup2', 'freezer'];

/** Which control groups a run may be put in; none where the environment says so. */
export function groupKinds(environment: Record<string, string | undefined>): GroupKind[] {
  const none = environment.AETHER_NO_CGROUP;
  return process.platform === 'linux' && (none === undefined || none === '' || none === '0')
    ? [...KINDS]
    : [];
}

/** What a run's processes would be held together by here; for a moment this process itself is in a group. */
export async function probeContainment(environment: Record<string, string | undefined>): Promise<Means> {
  const probe = Containment.choose(groupKinds(environment), `aether-probe-${process.pid}`, 'probe');
  const { means } = probe;
  await probe.release();
  return means;
}

/** What a shim is told of it. */
export function containmentFor(
  wiring: Needs,
  proven: GroupKind | null,
): NonNullable<ShimStart['containment']> {
  return {
    scope: groupScope(wiring.stateDir),
    kinds: wiring.groupKinds,
    ...(proven === null ? {} : { proven }),
  };
}

/** How the end of a run whose shim is gone came about, in words for the event. */
export interface LostRun extends RemainsEnd {
  why: string;
  /** How sure it is that nothing is left. */
  certainty: string;
}

/**
 * Ends whatever a dead or unreachable shim left behind, itself included. After a restart of the machine there is
 * nothing to end: a pid of the boot before may belong to another process by now.
 */
export async function endRemains(wiring: Needs, record: RunRecord, why: string): Promise<LostRun> {
  if (record.boot_id !== null && record.boot_id !== bootId()) {
    const certainty = 'certain: nothing outlives a restart of the machine';
    const none = { killed: 0, survivors: 0, exact: true, escaped: false };
    return { ...none, why: 'the machine was restarted', certainty };
  }
  const end = await killRemains(
    { run: record.id, shim: record.shim, known: record.tree.known, groups: groupsFor(wiring, record) },
    REMAINS_MS,
  );
  // A group with processes in it cannot be removed: one that is gone was empty.
  const { containment } = record.tree;
  const emptied = containment !== null && containment.path !== null && !fs.existsSync(containment.path);
  const kept = (end.exact || emptied) && !end.escaped;
  const exact =
    wiring.sandbox(record.sandbox.name).keepsProcesses === true && end.survivors === 0 && !end.escaped;
  const certainty =
    end.survivors > 0
      ? `${end.survivors} of its processes could not be killed`
      : exact
        ? 'certain: no process outlives its sandbox'
        : `best effort: ${end.escaped ? 'some had left the group that the kernel kept; ' : ''}found by ${kept ? 'the group that the kernel kept, by ' : ''}recorded pids, by the marker in the environment and by descent; a process without any of these is not found`;
  return { ...end, exact, why, certainty };
}

/** Where its group is, by its own word; or may be, when it had not said anything yet. */
function groupsFor(wiring: Needs, record: RunRecord): GroupPlace[] {
  const { containment } = record.tree;
  if (containment !== null) {
    return containment.path === null || containment.means === 'descent'
      ? []
      : [{ kind: containment.means, path: containment.path }];
  }
  return KINDS.flatMap((kind) => {
    const own = ownGroup(kind);
    return own === null ? [] : [groupPlace(kind, own, groupScope(wiring.stateDir), record.id)];
  });
}

/** The files that only its processes needed, some of them secret. A program may have left anything there. */
export async function releaseFiles(paths: RunPaths): Promise<void> {
  const keep = [path.basename(paths.journal)];
  await emptyBeneath(path.dirname(paths.runDir), path.basename(paths.runDir), keep);
}

export async function releaseSockets(paths: RunPaths): Promise<void> {
  const all = [path.dirname(paths.doorSocket), paths.shimSocket];
  await Promise.all(all.map((one) => fs.promises.rm(one, { recursive: true, force: true })));
}

/** What stood in a workspace only so that its box could mount something there. */
export async function releasePlaces({ runs }: Pick<Wiring, 'runs'>, record: RunRecord): Promise<void> {
  const live = runs.live().filter(({ id }) => id !== record.id);
  removeKept(
    record.sandbox,
    live.map((run) => run.record.sandbox),
  );
}

/** The shim removes its group itself; this is for one that was killed just before. */
export async function releaseGroup(record: RunRecord): Promise<void> {
  const { containment } = record.tree;
  if (containment === null || containment.path === null || containment.means === 'descent') return;
  const group = new Group({ kind: containment.means, path: containment.path });
  for (let attempt = 0; attempt < GROUP_ATTEMPTS && group.exists; attempt += 1) {
    if (!group.populated() && group.remove()) return;
    await sleep(GROUP_PAUSE_MS);
  }
}

/** What should have been released and is still there, in words; a later host tries again. */
export function leftOf(record: RunRecord, paths: RunPaths): string[] {
  const left: string[] = [];
  const { containment } = record.tree;
  if (containment?.path != null && containment.means !== 'descent') {
    const group = new Group({ kind: containment.means, path: containment.path });
    if (group.exists)
      left.push(`the control group ${containment.path} with ${group.members().length} processes`);
  }
  const sockets = path.dirname(paths.doorSocket);
  if (fs.existsSync(sockets)) left.push(`the sockets in ${sockets}`);
  if (fs.existsSync(paths.shimSocket)) left.push(`the socket ${paths.shimSocket}`);
  const files = namesIn(paths.runDir).filter((name) => path.join(paths.runDir, name) !== paths.journal);
  if (files.length > 0) left.push(`in ${paths.runDir}: ${shortText(files.join(', '), 500)}`);
  return left;
}

/**
 * After a host start: whatever is left of runs that are over goes. Which those are is settled before this returns,
 * so runs that begin later are never among them. Each is released by itself, its processes first.
 * @returns when the remains of an agent's runs are gone; agents without any are not in it
 */
export function releaseLeftovers(
  wiring: Needs,
  pathsOf: (run: string) => RunPaths,
): Map<string, Promise<void>> {
  const live = new Set(wiring.runs.live().map((run) => run.id));
  const left = new Map<string, GroupPlace[]>();
  const note = (run: string, places: GroupPlace[]) => {
    if (RUN_ID.test(run) && !live.has(run)) left.set(run, [...(left.get(run) ?? []), ...places]);
  };
  const scope = groupScope(wiring.stateDir);
  for (const kind of KINDS) {
    const own = process.platform === 'linux' ? ownGroup(kind) : null;
    for (const { run, place } of own === null ? [] : groupsOf(kind, own, scope)) note(run, [place]);
  }
  for (const directory of [wiring.socketDir, path.join(wiring.stateDir, 'runs')])
    for (const name of namesIn(directory)) note(runOfSocket(name), []);
  const released = new Map<string, Promise<void>>();
  for (const [run, places] of left) {
    const agent = wiring.runTable.get(run)?.agent ?? '';
    const release = releaseLeftover(wiring, run, places, pathsOf(run));
    released.set(
      agent,
      Promise.all([released.get(agent), release]).then(() => undefined),
    );
  }
  return released;
}

async function releaseLeftover(
  wiring: Needs,
  run: string,
  places: GroupPlace[],
  paths: RunPaths,
): Promise<void> {
  for (const place of places)
    await attempt(wiring, run, async () => {
      const traces = { run, shim: null, known: [], groups: [place] };
      if (new Group(place).populated()) await killRemains(traces, REMAINS_MS);
      else new Group(place).remove();
    });
  await attempt(wiring, run, () => releaseSockets(paths));
  await attempt(wiring, run, () => releaseFiles(paths));
  const record = wiring.runTable.get(run);
  if (record !== null) await attempt(wiring, run, () => releasePlaces(wiring, record));
}

const RUN_ID = /^r_[a-z2-7]{12}$/;

async function attempt(wiring: Needs, run: string, release: () => Promise<void>): Promise<void> {
  try {
    await release();
  } catch (error) {
    wiring.log.warn({ run, error: messageOf(error) }, 'something of an ended run could not be released');
  }
}

function namesIn(directory: string): string[] {
  try {
    return fs.readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
