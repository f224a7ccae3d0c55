/**
 * A tree as somebody sees it who knows nothing of groups, descent or markers: a limit on the size of files, of a
 * number that nobody else has, is inherited over every fork, exec, session, environment and control group, and none
 * of the programs here touches it. So nobody can be missed for having hidden well.
 */
import { readFileSync } from 'node:fs';
import { cpuTicksOf, everyProcess, type ProcStat } from '../../src/host/process/proc.ts';
import type { ProcessSpec } from '../../src/host/shim/shim-protocol.ts';

/** What sh counts the limit in. */
const BLOCK_BYTES = 512;
/** Far above any file: 5 TB. */
const FIRST = 10_000_000_000 + process.pid * 100_000;
let given = 0;

export interface Tree {
  spec: ProcessSpec;
  /** Whoever of it lives now. */
  alive(): ProcStat[];
  /** CPU time they have used, in ticks of 10 ms. */
  ticks(): number;
}

/** The same program, marked so. */
export function marked(spec: ProcessSpec): Tree {
  given += 1;
  const blocks = FIRST + given;
  const bytes = String(blocks * BLOCK_BYTES);
  const argv = ['/bin/sh', '-c', 'ulimit -Sf "$0" && exec "$@"', String(blocks), ...spec.argv];
  // What lives already is none of it, and needs no look at its limits.
  const others = new Map(everyProcess().map(({ pid, start_ticks }) => [pid, start_ticks]));
  const alive = () =>
    everyProcess().filter(
      ({ pid, start_ticks, zombie }) => !zombie && others.get(pid) !== start_ticks && limitOf(pid) === bytes,
    );
  return {
    spec: { ...spec, argv },
    alive,
    ticks: () => alive().reduce((sum, { pid }) => sum + (cpuTicksOf(pid) ?? 0), 0),
  };
}

function limitOf(pid: number): string | undefined {
  try {
    return /^Max file size\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'latin1'))?.[1];
  } catch {
    return undefined; // it has just gone
  }
}
