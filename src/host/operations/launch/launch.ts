/**
 * Starting a run, and taking back the ones that outlived their host. A run's socket paths follow from its id,
 * so a host that died between "spawned" and "noted down" still finds its shim.
 */
import type { EngineState, LaunchSpec, RunPlace } from '../../../runtimes/runtime.ts';
import type { AgentConfig } from '../../config/types.ts';
import { AetherError, diskFull, isDiskFull, messageOf } from '../../errors.ts';
import type { AutomaticStart } from '../../events/topics.ts';
import { limits } from '../../limits.ts';
import type { GroupKind } from '../../process/cgroup.ts';
import { toOpenWith } from '../../runs/floor.ts';
import { Run, type RunPaths, type RunSink } from '../../runs/run.ts';
import type { SandboxChoice } from '../../sandboxes/choice.ts';
import { ShimClient } from '../../shim/client/client.ts';
import { startShim, type WaitingShim } from '../../shim/client/launch.ts';
import type { StopLadder } from '../../shim/shim-protocol.ts';
import type { RunRecord } from '../../store/runs.ts';
import { opensWith } from '../turn/turn.ts';
import type { Prepared, RunDoor, Wiring } from '../wiring.ts';
import { boxed, boxesOfRun } from './boxed.ts';
import { Connections } from './connections.ts';
import { HeavyStarts, stoppedMeanwhile } from './heavy-starts.ts';
import { changeNetwork, networkFiles, networkOfRun, openNetwork } from './network.ts';
import { type Begun, newRecord } from './new-record.ts';
import {
  containmentFor,
  leftOf,
  releaseFiles,
  releaseGroup,
  releasePlaces,
  releaseSockets,
} from './release.ts';
import { tellRepository } from './repository.ts';
import { NEVER_STARTED } from './run-end.ts';
import { makeRunDirectories, placeFiles, writeMcpCommand } from './run-files.ts';
import { pathsOfRun, placeOfRun } from './run-places.ts';

/** What this file uses of the host. */
type Needs = Pick<
  Wiring,
  | 'outsiders'
  | 'chooseSandbox'
  | 'programCopies'
  | 'configFile'
  | 'consolePort'
  | 'report'
  | 'store'
  | 'clock'
  | 'ids'
  | 'log'
  | 'events'
  | 'agents'
  | 'runs'
  | 'runTable'
  | 'generation'
  | 'stateDir'
  | 'socketDir'
  | 'groupKinds'
  | 'userHome'
  | 'path'
  | 'runtime'
  | 'sandbox'
  | 'resolve'
  | 'bridge'
  | 'openDoor'
  | 'touched'
>;

/** For a shim without a process to end, once it was told to. */
const NEVER_STARTED_MS = 3_000;

export class Launcher {
  readonly #wiring: Needs;
  readonly #sink: RunSink;
  readonly #doors = new Map<string, RunDoor>();
  readonly #connections: Connections;
  readonly #releasing = new Set<Promise<void>>();
  readonly #heavy = new HeavyStarts();
  /** The kind of group that held the last run. */
  #proven: GroupKind | null = null;

  constructor(wiring: Needs, sink: RunSink) {
    this.#wiring = wiring;
    this.#sink = sink;
    this.#connections = new Connections(wiring, sink);
  }

  paths(runId: string): RunPaths {
    return pathsOfRun(this.#wiring, runId);
  }

  place(agent: string, runId: string): RunPlace {
    return placeOfRun(this.#wiring, agent, runId);
  }

  /** What the engine of this run would be given now. Writes nothing. */
  async prepare(
    config: AgentConfig,
    runId: string,
    state: EngineState | null,
    resume: { note: string } | null,
  ): Promise<Prepared> {
    const spec = this.#wiring.resolve(config);
    const runtime = this.#wiring.runtime(config.runtime);
    const launch = await runtime.prepare(spec, this.place(config.name, runId), state, resume);
    return { spec, launch };
  }

  /** @returns once the engine's process is started and its opening frames are on their way. */
  async launch(
    config: AgentConfig,
    state: EngineState | null,
    resume: { note: string; untold?: string } | null,
    automatic: AutomaticStart | null = null,
  ): Promise<Run> {
    const { memory_bytes } = this.#wiring.runtime(config.runtime).capabilities;
    if (memory_bytes === undefined) return await this.#launchNow(config, { state, resume, automatic });
    const waits = this.#heavy.turn(config.name, this.#wiring.clock.now());
    this.#wiring.touched(config.name);
    const started = await waits;
    try {
      if (this.#wiring.agents.find(config.name)?.wanted !== 'running') throw stoppedMeanwhile(config.name);
      const run = await this.#launchNow(config, { state, resume, automatic });
      started(run);
      return run;
    } catch (error) {
      started(null);
      throw error;
    }
  }

  /** Its start does not wait for others any more: it is to be stopped. */
  giveUp(agent: string): () => void {
    return this.#heavy.giveUp(agent);
  }

  /** Since when its start waits for others; null: it does not. */
  waits(agent: string): number | null {
    return this.#heavy.waits(agent);
  }

  async #launchNow(config: AgentConfig, begun: Begun): Promise<Run> {
    const id = this.#wiring.ids.short('r');
    const choice = await this.#wiring.chooseSandbox(config);
    // It loads meanwhile, and is told what it is for once the run is on record.
    const shim = startShim(id);
    try {
      return await this.#launch(config, id, choice, begun, shim);
    } catch (error) {
      shim.abandon();
      throw error;
    }
  }

  async #launch(
    config: AgentConfig,
    id: string,
    choice: SandboxChoice,
    begun: Begun,
    shim: WaitingShim,
  ): Promise<Run> {
    const { runs, stateDir, socketDir } = this.#wiring;
    const { state, resume } = begun;
    const paths = this.paths(id);
    makeRunDirectories(config, id, stateDir, socketDir);
    const prepared = await this.prepare(config, id, state, resume);
    const place = this.place(config.name, id);
    const boxes = await boxesOfRun(this.#wiring, { config, choice, place, launch: prepared.launch });
    const record = newRecord(this.#wiring, config, id, prepared, begun, boxes);
    this.#begin(record, config.runtime, begun);
    tellRepository(this.#wiring, record, prepared.launch);
    const run = this.#make(record, paths);
    runs.add(run);
    try {
      await this.#startProcesses(run, prepared.launch, shim);
      return run;
    } catch (error) {
      // Before what is left of the run is looked for.
      shim.abandon();
      await this.#abandon(run, messageOf(error));
      if (error instanceof AetherError) throw error;
      if (isDiskFull(error)) throw diskFull(this.#wiring.stateDir, error);
      throw new AetherError(
        {
          code: 'run.launch',
          who: 'runtime',
          message: `${config.name} could not be started: ${messageOf(error)}.`,
          next: 'See `aether plan` for what would be run, and `aether doctor` for what is missing.',
        },
        { cause: error },
      );
    }
  }

  /** The run exists from here on: a host that dies before its shim listens finds it. */
  #begin(record: RunRecord, runtime: string, { state, resume, automatic }: Begun): void {
    const { store, runTable, events } = this.#wiring;
    store.transaction(() => {
      runTable.put(record);
      events.append({
        topic: 'run.starting',
        agent: record.agent,
        run: record.id,
        principal: 'host',
        grade: 'enforced',
        data: {
          runtime,
          resumed: resume !== null,
          session: state?.session ?? null,
          sandbox: record.sandbox.name,
          ...(record.sandbox.why === undefined ? {} : { sandboxWhy: record.sandbox.why }),
          ...(automatic === null ? {} : { automatic: true, ...automatic }),
        },
      });
    });
  }

  /** The shim, then the engine in it, then what it is told first. */
  async #startProcesses(run: Run, launch: LaunchSpec, waiting: WaitingShim): Promise<void> {
    const { clock, stateDir, socketDir } = this.#wiring;
    const { id, paths } = run;
    await placeFiles(stateDir, launch);
    const box = run.box('engine');
    await box.prepare({
      home: launch.process.env.HOME ?? '/',
      files: new Map(Object.entries({ ...launch.uses.etc, ...networkFiles(box.spec.network) })),
    });
    writeMcpCommand(socketDir, paths, this.#wiring.bridge(paths.doorSocket));
    this.#doors.set(id, await this.#wiring.openDoor(run));
    const network = box.spec.network === 'own' ? networkOfRun(this.#wiring, run, launch) : null;
    const shim = await waiting.begin({
      run: id,
      agent: run.record.agent,
      dir: paths.journal,
      socket: paths.shimSocket,
      journal_segment_bytes: limits.journal_segment_bytes,
      journal_bytes_max: limits.journal_bytes_max,
      containment: containmentFor(this.#wiring, this.#proven),
      ...(network === null ? {} : { network }),
    });
    run.save((saved) => {
      saved.shim = shim;
      saved.state = 'starting';
      saved.state_ms = clock.now();
      saved.stateEvidence = {
        source: 'shim',
        grade: 'observed',
        what: `shim ${shim.pid} runs`,
        at_ms: clock.now(),
      };
    });
    const client = await ShimClient.connect(paths.shimSocket, this.#wiring.generation, shim);
    this.#connections.hold(run, client);
    const means = client.status.containment?.means;
    if (means !== undefined && means !== 'descent') this.#proven = means;
    if (network !== null) await openNetwork(this.#wiring, run, network);
    await client.start('engine-1', await boxed(this.#wiring, run, launch.process));
    await run.pump();
    await this.open(run);
  }

  /** Writes the opening frames that the shim has not confirmed yet. */
  async open(run: Run): Promise<void> {
    // One that is held is begun, and told nothing: the rest of them follows when it is resumed.
    const held = this.#wiring.agents.find(run.record.agent)?.hold != null;
    if (!held) run.save(({ turn, floor }) => opensWith(turn, floor.opening, this.#wiring.clock.now()));
    for (const frame of [...run.record.floor.opening]) if (!held || frame.handshake) await run.write(frame);
    await run.pump();
    run.save(({ floor }) => {
      toOpenWith(floor, held ? floor.opening.filter((frame) => !frame.handshake) : []);
    });
  }

  /**
   * Takes back a run that an earlier host started, however long its shim is silent.
   * @returns null when it is over, or no caller waits any more
   */
  async adopt(record: RunRecord): Promise<Run | null> {
    const run = this.#make(record, this.paths(record.id));
    this.#wiring.runs.add(run);
    const client = await this.#connections.reach(run);
    if (!run.closed) return await this.#adopt(run, client);
    client?.close();
    return null;
  }

  async #adopt(run: Run, client: ShimClient | null): Promise<Run | null> {
    if (client === null) {
      await run.pump();
      await this.#connections.lost(run, run.record.floor.process === null ? NEVER_STARTED : undefined);
      return null;
    }
    const { status } = client;
    if (run.record.shim === null)
      run.save((saved) => {
        saved.shim = { pid: status.pid, start_ticks: status.start_ticks };
      });
    this.#doors.set(run.id, await this.#wiring.openDoor(run));
    this.#connections.hold(run, client);
    await run.pump();
    // An edit while no host ran counts, too.
    void changeNetwork(this.#wiring, run);
    if (status.processes.length === 0) {
      // The host died before it said what to run; nothing was lost, so begin again.
      const why = NEVER_STARTED;
      const ladder: StopLadder = { term_ms: 0, kill_ms: 1_000 };
      const failure = await client.stop('never-started', ladder, why).then(
        () => null,
        (error: unknown) => error,
      );
      // A run that has ended is let go of, at times before the shim's answer to this is in: the journal decides.
      const ended = await run.until(() => run.ended, NEVER_STARTED_MS);
      if (!ended) await this.endUnreachable(run, failure === null ? why : `${why}: ${messageOf(failure)}`);
      return null;
    }
    if (run.runtime.capabilities.memory_bytes !== undefined) this.#heavy.adopted(run);
    return run;
  }

  /** Ends a run whose shim does not answer, from outside. */
  endUnreachable(run: Run, why: string): Promise<void> {
    return this.#connections.lost(run, why);
  }

  /**
   * The run is over, and with it its processes: its door, its sockets, its files and its group go, in this order.
   * Its journal stays.
   */
  release(run: Run): Promise<void> {
    const released = this.#release(run).finally(() => this.#releasing.delete(released));
    this.#releasing.add(released);
    return released;
  }

  async #release(run: Run): Promise<void> {
    const { log, events } = this.#wiring;
    const { id, record, paths } = run;
    const steps = {
      door: () => this.#closeDoor(id),
      sockets: () => releaseSockets(paths),
      files: () => releaseFiles(paths),
      places: () => releasePlaces(this.#wiring, record),
      group: () => releaseGroup(record),
    };
    // What cannot be released keeps nothing else from it.
    for (const [what, release] of Object.entries(steps))
      await release().catch((error: unknown) =>
        log.warn({ run: id, error: messageOf(error) }, `the ${what} of an ended run could not be released`),
      );
    const left = leftOf(record, paths);
    if (left.length === 0) return;
    events.append({
      topic: 'run.leaked',
      agent: record.agent,
      run: id,
      principal: 'host',
      grade: 'observed',
      data: { left },
    });
  }

  async #closeDoor(runId: string): Promise<void> {
    const door = this.#doors.get(runId);
    this.#doors.delete(runId);
    await door?.close();
  }

  /** The tools granted to this run's agent were edited. */
  toolsChanged(runId: string): void {
    this.#doors.get(runId)?.toolsChanged();
  }

  /** Also waits for what is being released. */
  async closeDoors(): Promise<void> {
    await Promise.all([...[...this.#doors.keys()].map((id) => this.#closeDoor(id)), ...this.#releasing]);
  }

  #make(record: RunRecord, paths: RunPaths): Run {
    const { store, runTable, clock, log } = this.#wiring;
    const agent = this.#wiring.agents.find(record.agent);
    const runtime = this.#wiring.runtime(agent?.config.runtime ?? null);
    const sandbox = this.#wiring.sandbox(record.sandbox.name);
    return new Run({ record, runtime, sandbox, paths, store, table: runTable, clock, log, sink: this.#sink });
  }

  async #abandon(run: Run, why: string): Promise<void> {
    if (run.connected) {
      try {
        await run.client.stop(`abandon-${run.id}`, { term_ms: 1_000, kill_ms: 2_000 }, why);
        await run.pump();
      } catch (error) {
        this.#wiring.log.warn(
          { run: run.id, error: messageOf(error) },
          'a run that failed to start could not be stopped',
        );
      }
    }
    if (!run.ended) await this.#connections.lost(run, why);
  }
}
