/**
 * What supervising costs beside pm2 and supervisord, which supervise the same programs in the same run: how long a
 * program that was killed is away, how long a restart takes on command, and memory per program.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../../src/host/errors.ts';
import { LiveFleet } from '../../support/live-fleet.ts';
import type { Bench, Scale } from '../bench.ts';
import { median } from '../figures.ts';
import { parentOf } from '../host-probe.ts';
import { memoryOf } from '../machine.ts';
import { privateDirectory } from '../private-directory.ts';
import type { Row } from '../report.ts';
import { Pm2, type Supervisor, Supervisord } from '../supervisors.ts';

const SECTION = '9. Supervising, beside pm2 and supervisord';
const LIMIT_MS = 60_000;
/** A program that lived this long counts as started with all three. */
const LIVED_MS = 1_500;

const COUNTS: Record<Scale, { programs: number; rounds: number }> = {
  full: { programs: 20, rounds: 7 },
  quick: { programs: 10, rounds: 3 },
  smoke: { programs: 2, rounds: 1 },
};

/** The product, as one more supervisor. */
class Aether implements Supervisor {
  readonly name = 'aether';
  readonly fleet: LiveFleet;
  #names: string[] = [];

  constructor(fleet: LiveFleet) {
    this.fleet = fleet;
  }

  async begin(): Promise<void> {
    await this.fleet.up();
  }

  async start(programs: Record<string, string>): Promise<void> {
    this.#names = Object.keys(programs);
    const agents = Object.entries(programs).map(([name, script]) => [
      name,
      { runtime: 'command', command: ['/bin/sh', script], restart: { policy: 'always', stable_ms: 1_000 } },
    ]);
    this.fleet.configure({ agents: Object.fromEntries(agents) as Record<string, Record<string, unknown>> });
    await this.fleet.ok('apply');
    for (const name of this.#names) this.#shims.push(parentOf((await this.fleet.agent(name)).pid!));
  }

  readonly #shims: number[] = [];

  async restart(name: string): Promise<void> {
    await this.fleet.ok('restart', name);
  }

  processes(): number[] {
    return [this.fleet.hostPid, ...this.#shims];
  }

  close(): Promise<void> {
    return this.fleet.close();
  }
}

interface Figures {
  /** Milliseconds from the death to the next start, and from the command to the next start. */
  crash: number[];
  command: number[];
  /** Of the crash: from when the supervisor began again. Null where it does not say. */
  launch: number[] | null;
  perProgram_MB: number;
}

export async function supervisors(bench: Bench): Promise<Row[]> {
  const counts = COUNTS[bench.scale];
  const dir = privateDirectory();
  const figures: Record<string, Figures> = {};
  const absent: string[] = [];
  try {
    const fleet = await LiveFleet.make(
      { agents: {} },
      { program: [process.execPath, bench.product.command] },
    );
    const all: Supervisor[] = [new Aether(fleet)];
    try {
      all.push(await Pm2.make(mkdir(join(dir.path, 'p')), bench.scale !== 'smoke'));
    } catch (error) {
      absent.push(`pm2 is not here (${messageOf(error).slice(0, 120)})`);
    }
    if (Supervisord.here()) all.push(new Supervisord(mkdir(join(dir.path, 's'))));
    else absent.push('supervisord is not installed here (Debian: apt-get install supervisor)');
    for (const supervisor of all) {
      bench.say(`supervisors: ${supervisor.name}, ${counts.programs} programs, ${counts.rounds} rounds`);
      figures[supervisor.name] = await measure(
        supervisor,
        mkdir(join(dir.path, `${supervisor.name}-x`)),
        counts,
      );
    }
  } finally {
    dir.remove();
  }
  return rows(figures, counts, absent);
}

function mkdir(path: string): string {
  mkdirSync(path, { recursive: true });
  return path;
}

async function measure(
  supervisor: Supervisor,
  dir: string,
  counts: { programs: number; rounds: number },
): Promise<Figures> {
  const programs: Record<string, string> = {};
  for (let index = 0; index < counts.programs; index += 1) {
    const script = join(dir, `program-${index}.sh`);
    writeFileSync(script, `echo $$ >'${script}.pid'\nexec sleep 100000\n`);
    programs[`program-${index}`] = script;
  }
  const script = programs['program-0']!;
  try {
    await supervisor.begin();
    await sleep(LIVED_MS);
    const empty = memory(supervisor.processes());
    await supervisor.start(programs);
    for (const each of Object.values(programs)) await started(each, 0);
    await sleep(LIVED_MS);
    const full = memory(supervisor.processes());
    const crash: number[] = [];
    const command: number[] = [];
    const launch: number[] = [];
    for (let round = 0; round < counts.rounds; round += 1) {
      // On command first: for those who count failures, it is also a pardon.
      const before = pidOf(script);
      const asked = performance.now();
      const restarting = supervisor.restart('program-0');
      await started(script, before);
      command.push(performance.now() - asked);
      await restarting;
      await sleep(LIVED_MS);
      const victim = pidOf(script);
      const died = performance.now();
      process.kill(victim, 'SIGKILL');
      await started(script, victim);
      const back = performance.now();
      const back_ms = Date.now();
      crash.push(back - died);
      if (supervisor instanceof Aether) {
        const begun = (await supervisor.fleet.events({ agent: 'program-0', topics: ['run.starting'] })).at(
          -1,
        );
        launch.push(back_ms - begun!.at_ms);
      }
      await sleep(LIVED_MS);
    }
    return {
      crash,
      command,
      launch: launch.length > 0 ? launch : null,
      perProgram_MB: (full - empty) / counts.programs,
    };
  } finally {
    await supervisor.close();
  }
}

function memory(pids: number[]): number {
  return pids.reduce((sum, pid) => sum + memoryOf(pid).pss_MB, 0);
}

function pidOf(script: string): number {
  try {
    return Number(readFileSync(`${script}.pid`, 'utf8'));
  } catch {
    return 0; // not yet
  }
}

/** Looked at every millisecond: a restart is a matter of a few. */
async function started(script: string, before: number): Promise<void> {
  const end = performance.now() + LIMIT_MS;
  for (let pid = pidOf(script); pid === before || pid === 0; pid = pidOf(script)) {
    if (performance.now() > end) throw new Error(`${script} was not started within ${LIMIT_MS} ms`);
    await sleep(1);
  }
}

function rows(figures: Record<string, Figures>, counts: { programs: number }, absent: string[]): Row[] {
  const ours = figures.aether!;
  const peers = Object.entries(figures).filter(([name]) => name !== 'aether');
  const list = (values: number[]) => values.map((value) => value.toFixed(0)).join(' ');
  const missing = absent.length > 0 ? `; ${absent.join('; ')}` : '';
  const compare = (
    what: string,
    unit: Row['unit'],
    of: (one: Figures) => number,
    note: string,
    target: Row['target'] = null,
  ): Row[] =>
    (peers.length > 0 ? peers : [[null, null] as const]).map(([name, theirs]) => ({
      section: SECTION,
      what,
      unit,
      aether: of(ours),
      reference: theirs === null ? null : { name: name!, value: of(theirs) },
      ratio: theirs === null ? null : of(ours) / of(theirs),
      target,
      note: note + missing,
    }));
  return [
    ...compare(
      'a program that was killed runs again',
      'ms',
      ({ crash }) => median(crash),
      `${list(ours.crash)}: a new shim and a new journal included; ${median(ours.launch ?? []).toFixed(0)} ms from when the host began again`,
      { of: 'value', at_most: 150 },
    ),
    ...compare(
      'restart on command: until the new one runs',
      'ms',
      ({ command }) => median(command),
      list(ours.command),
    ),
    ...compare(
      'memory per supervised program, supervisor and shims',
      'MB',
      ({ perProgram_MB }) => perProgram_MB,
      `${counts.programs} programs each; ours is a process per program, which owns it, its terminal and its journal while no host lives`,
      { of: 'value', at_most: 30 },
    ),
  ];
}
