/** The runs this host knows: the live ones as Run objects, the newest of each agent as a record. */
import { AetherError } from '../errors.ts';
import type { DeadShim } from '../process/outsiders.ts';
import { bootId, isAlive } from '../process/proc.ts';
import type { Evidence, Principal } from '../shapes.ts';
import type { RunRecord, RunTable } from '../store/runs.ts';
import { type Gap, gapsOf, graded } from './gaps.ts';
import type { Run } from './run.ts';

/** A run whose shim is dead, of which processes may live on. */
export interface DoubtfulRun extends DeadShim {
  id: string;
  agent: string;
}

/** Of lost runs, the newest: a run that dies again and again is one agent's. */
const LOST_MAX = 1_000;

export class Runs {
  readonly #table: RunTable;
  readonly #lost: DoubtfulRun[];
  readonly #live = new Map<string, Run>();
  readonly #newest = new Map<string, RunRecord | null>();

  constructor(table: RunTable) {
    this.#table = table;
    this.#lost = table.lost(bootId(), LOST_MAX).flatMap(doubtful);
  }

  /** The live run of an agent; null when it has none. */
  of(agent: string): Run | null {
    return this.#live.get(agent) ?? null;
  }

  /** @throws AetherError `agent.not-running` */
  require(agent: string): Run {
    const run = this.of(agent);
    if (run !== null) return run;
    throw new AetherError({
      code: 'agent.not-running',
      who: 'user',
      message: `${agent} does not run.`,
      next: `Start it: aether start ${agent}.`,
    });
  }

  byId(id: string): Run | null {
    for (const run of this.#live.values()) if (run.id === id) return run;
    return null;
  }

  live(): Run[] {
    return [...this.#live.values()];
  }

  /** The record of the newest run, live or ended. */
  newest(agent: string): RunRecord | null {
    const live = this.#live.get(agent);
    if (live !== undefined) return live.record;
    if (!this.#newest.has(agent)) this.#newest.set(agent, this.#table.newest(agent));
    return this.#newest.get(agent) ?? null;
  }

  /** Where what is known of an agent can be forged by it or by another. */
  gaps(agent: string): Gap[] {
    return gapsOf(
      this.newest(agent),
      this.live().map(({ record }) => record),
    );
  }

  /** The grade of what an agent does: whose name it has on it is not enforced where another could have acted in it. */
  graded({ principal, grade }: { principal: Principal; grade: Evidence['grade'] }): Evidence['grade'] {
    if (!principal.startsWith('agent:')) return grade;
    return graded({ source: 'host', grade }, this.gaps(principal.slice('agent:'.length))).grade;
  }

  /** The record of the newest run that was given a process; null when none ever was. */
  newestStarted(agent: string): RunRecord | null {
    const newest = this.newest(agent);
    return newest === null || newest.floor.process !== null ? newest : this.#table.newestStarted(agent);
  }

  add(run: Run): void {
    this.#live.set(run.record.agent, run);
  }

  /** The run has ended: keep its record as the newest. */
  retire(run: Run): void {
    if (this.#live.get(run.record.agent) === run) this.#live.delete(run.record.agent);
    this.#newest.set(run.record.agent, run.record);
    if (run.record.exit?.cause === 'lost') this.#lost.unshift(...doubtful(run.record));
    this.#lost.length = Math.min(this.#lost.length, LOST_MAX);
  }

  /** Runs that have lost their shim since the machine was started, and whose end is not certain. */
  doubtful(): DoubtfulRun[] {
    const now = this.live().filter(
      ({ ended, record: { shim } }) => !ended && shim !== null && !isAlive(shim),
    );
    return [...now.flatMap(({ record }) => doubtful(record)), ...this.#lost];
  }

  unfinished(): RunRecord[] {
    return this.#table.live();
  }

  totals(agent: string): ReturnType<RunTable['totals']> {
    return this.#table.totals(agent);
  }
}

function doubtful({ id, agent, shim, tree, boot_id, exit }: RunRecord): DoubtfulRun[] {
  if (shim === null || boot_id !== bootId() || exit?.exact === true) return [];
  return [{ id, agent, shim, adopters: tree.adopters ?? [] }];
}
