/**
 * Keeps read-only what boxes show read-only in a workspace, when a process outside replaces such a file: the kernel
 * drops the mount of the old one. Until the new file is covered, a process inside can open it, and it could write the
 * editor's copy before. So the content of such a file applies only once an operator has seen it.
 */
import { lstatSync } from 'node:fs';
import { messageOf } from '../../errors.ts';
import type { Run } from '../../runs/run.ts';
import { within } from '../../sandboxes/mounts.ts';
import type { RunSandbox } from '../../store/run-sandbox.ts';
import type { Wiring } from '../wiring.ts';
import { makeAgain } from './kept.ts';

/** What tells a file from the one that had its name before: an inode number is given out again. */
export function identityOf(file: string): string {
  const stat = lstatSync(file, { throwIfNoEntry: false, bigint: true });
  return stat === undefined ? 'none' : `${stat.dev} ${stat.ino} ${stat.birthtimeNs}`;
}

/** For the record of a run: null where its box cannot write beside the configuration. */
export function configurationOf({ boxes }: RunSandbox, file: string | null): string | null {
  if (file === null) return null;
  const beside = boxes.some(
    ({ read, write }) => read.includes(file) && write.some((top) => within(file, top)),
  );
  return beside ? identityOf(file) : null;
}

/** The agents that could have written what the configuration says now: their boxes began with another file. */
export function exposedTo({ runs }: Pick<Wiring, 'runs'>, file: string): string[] {
  const now = identityOf(file);
  return runs
    .live()
    .filter(({ record: { sandbox } }) => sandbox.config !== undefined && sandbox.config !== now)
    .map(({ record }) => record.agent);
}

/** The file was touched: at once. */
export function coverConfiguration(wiring: Pick<Wiring, 'runs' | 'log'>, file: string): Promise<void> {
  return coverAll(wiring, ({ boxes }) => (boxes.some(({ read }) => read.includes(file)) ? [file] : []));
}

/** Hooks and settings of git, and what an engine loads: one of them, or all that any box keeps. */
export function coverKept(wiring: Pick<Wiring, 'runs' | 'log'>, place?: string): Promise<void> {
  return coverAll(wiring, ({ kept = [] }) => kept.filter((one) => one === (place ?? one)));
}

/** What the boxes of live runs keep. */
export function keptNow({ runs }: Pick<Wiring, 'runs'>): Set<string> {
  return new Set(runs.live().flatMap(({ record }) => record.sandbox.kept ?? []));
}

async function coverAll(
  { runs, log }: Pick<Wiring, 'runs' | 'log'>,
  placesOf: (sandbox: RunSandbox) => readonly string[],
): Promise<void> {
  const work = runs.live().flatMap((run) => placesOf(run.record.sandbox).map((place) => ({ run, place })));
  await Promise.all(
    work.map(({ run, place }) =>
      cover(run, place).catch((error: unknown) =>
        log.warn(
          { run: run.id, place, error: messageOf(error) },
          'an agent can write what its box should keep',
        ),
      ),
    ),
  );
}

async function cover(run: Run, place: string): Promise<void> {
  if (identityOf(place) === 'none') {
    if (!makeAgain(place, run.record.sandbox)) return;
    run.save((record) => {
      record.sandbox = { ...record.sandbox, made: [...(record.sandbox.made ?? []), place] };
    });
  }
  const box = run.box('engine');
  const pids = Object.values(run.record.floor.processes).flatMap(({ pid }) => pid ?? []);
  let uncovered = false;
  for (const pid of pids) if (await box.replaced(pid, place)) uncovered = true;
  const { sandbox } = run.record;
  const marks = uncovered && sandbox.config !== undefined && !(sandbox.kept ?? []).includes(place);
  if (!marks || run.closed || run.ended) return;
  // Even if the earlier file comes back: a process inside may have it open.
  run.save((record) => {
    record.sandbox = { ...sandbox, config: 'uncovered' };
  });
}
