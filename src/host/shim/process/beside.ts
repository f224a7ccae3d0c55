/**
 * The processes that run beside the one with the floor: a terminal next to a working engine, a desktop. Each has a
 * group of its own within the run's, so that it can be ended, or spared, without touching the others. Where no
 * control group holds the run they are told apart by descent: an orphan of one then counts as the engine's.
 */
import type { Containment } from '../../process/containment.ts';
import { descendants } from '../../process/proc.ts';
import { type TreeScope, treePart } from '../../process/tree-part.ts';
import type { ProcessSpec, StopLadder } from '../shim-protocol.ts';
import { climb, type LadderTools } from './ladder.ts';
import { type Processes, partOf, type RunProcess } from './processes.ts';
import { Refused } from './refused.ts';

const BESIDE_MAX = 16;

export class Besides {
  readonly #processes: Processes;
  readonly #containment: Containment;
  readonly #tools: LadderTools;

  constructor(processes: Processes, containment: Containment, tools: LadderTools) {
    this.#processes = processes;
    this.#containment = containment;
    this.#tools = tools;
  }

  /** @throws Refused, SpawnFailed */
  start(spec: ProcessSpec): Promise<RunProcess> {
    if (this.#all().filter(({ status }) => status.running).length >= BESIDE_MAX)
      throw new Refused('beside-limit', `This run has ${BESIDE_MAX} processes beside, the maximum.`);
    return this.#processes.spawn(spec, true);
  }

  /** @throws Refused where no such process was started beside */
  find(index: number): RunProcess {
    const process = this.#processes.list[index];
    if (process?.status.beside) return process;
    throw new Refused('no-process', `Process ${index} was not started beside.`);
  }

  /** Ends it with everything that it started. @returns how many SIGKILL ended */
  async end(process: RunProcess, ladder: StopLadder): Promise<number> {
    const { index } = process.status;
    const scope = this.#part((pids) => (pid) => pids.has(pid), index);
    const end = await climb(process, ladder, { ...this.#tools, scope }, new AbortController().signal);
    // Dead by now, which is heard of a moment later; one that SIGKILL does not end is not waited for.
    if (end.survivors === 0 || !process.status.running) await this.#processes.close(process);
    return end.killed;
  }

  /** The run without what was started beside. */
  others(): TreeScope {
    return this.#all().length === 0 ? this.#containment : this.#part((pids) => (pid) => !pids.has(pid));
  }

  #part(chooses: (pids: Set<number>) => (pid: number) => boolean, index?: number): TreeScope {
    return treePart(() => {
      const chosen = chooses(this.#pids(index));
      return this.#containment.living().filter(({ pid }) => chosen(pid));
    });
  }

  #all(): RunProcess[] {
    return this.#processes.list.filter(({ status }) => status.beside);
  }

  /** Of all of them, or of one. */
  #pids(index?: number): Set<number> {
    const pids = new Set<number>();
    for (const { status } of this.#all()) {
      if (index !== undefined && status.index !== index) continue;
      for (const pid of this.#containment.membersOf(partOf(status.index))) pids.add(pid);
      if (!status.running) continue;
      pids.add(status.pid);
      for (const { pid } of descendants(status.pid)) pids.add(pid);
    }
    return pids;
  }
}
