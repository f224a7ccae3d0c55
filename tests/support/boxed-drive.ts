/**
 * Engines and terminals as drive.ts has them, in a box of bubblewrap under a real shim: their files, their box, their
 * network and their program are those of the product, and no host is there.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/host/clock.ts';
import type { AgentConfig } from '../../src/host/config/types.ts';
import { boxed } from '../../src/host/operations/launch/boxed.ts';
import { boxesFor } from '../../src/host/operations/launch/boxes.ts';
import { networkFiles, networkSpec } from '../../src/host/operations/launch/network.ts';
import { programCopiesDirectoryOf } from '../../src/host/paths.ts';
import { descendants, isAlive } from '../../src/host/process/proc.ts';
import type { Run } from '../../src/host/runs/run.ts';
import { bubblewrapSandbox } from '../../src/host/sandboxes/bubblewrap.ts';
import { ProgramCopies } from '../../src/host/sandboxes/program-copies.ts';
import type { ShimClient } from '../../src/host/shim/client/client.ts';
import { JournalReader } from '../../src/host/shim/client/reader.ts';
import {
  type PauseRecord,
  RecordType,
  type RunExit,
  type StopLadder,
} from '../../src/host/shim/shim-protocol.ts';
import type { Frame, LaunchSpec, Runtime } from '../../src/runtimes/runtime.ts';
import { type Desk, DrivenEngine, type Exit, Observed, type Pty, writeFiles } from './drive.ts';
import { programCacheOf } from './ordinary-user.ts';
import { ShimLab, type TestShim, until } from './shim.ts';

/** The tests' own programs and what they import. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const KILL: StopLadder = { term_ms: 0, kill_ms: 5_000 };
const LOOK_MS = 20;

/** Boxes for the runs of one desk. */
export class Boxes {
  readonly #lab = new ShimLab();
  readonly #desk: Desk;
  readonly #runtime: Runtime;
  readonly #write: string[];

  /** @param write what its engines write besides the places of an agent */
  constructor(desk: Desk, runtime: Runtime, write: string[]) {
    this.#desk = desk;
    this.#runtime = runtime;
    this.#write = write;
  }

  /** A run of its own for this process. */
  async start(launch: LaunchSpec): Promise<TestShim> {
    const { place, root, workspace } = this.#desk;
    writeFiles(launch);
    for (const dir of [...launch.uses.write, join(place.runDir, 'journal')])
      fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
    const config = {
      name: 'tester',
      workspace,
      network: 'none',
      sandbox: {
        ...{ kind: 'bubblewrap', required: true, read: [ROOT], write: this.#write },
        ...{ toolchains: true, debug: false },
      },
    } as unknown as AgentConfig;
    const copies = new ProgramCopies(
      programCopiesDirectoryOf({ XDG_CACHE_HOME: programCacheOf(process.getuid!()) }),
      systemClock,
    );
    const sandbox = boxesFor({
      ...{ config, place, launch },
      choice: { kind: 'bubblewrap', why: 'the test says so', missing: [] },
      host: {
        shared: [workspace, place.agentDir, place.runDir],
        ...{ stateDir: root, socketDir: join(root, 'sockets'), configFile: null },
        programs: copies.directory,
      },
    });
    const box = bubblewrapSandbox.box(sandbox.boxes[0]!);
    const { HOME = '/' } = launch.process.env;
    const files = new Map(Object.entries({ ...launch.uses.etc, ...networkFiles('own') }));
    await box.prepare({ home: HOME, files });
    const shim = await this.#lab.launch();
    await shim.client.network('network', networkSpec(config, launch)!);
    const run = { record: { sandbox }, runtime: this.#runtime, box: () => box } as unknown as Run;
    await shim.client.start(
      'engine-1',
      await boxed({ programCopies: copies, agents: { find: () => undefined } as never }, run, launch.process),
    );
    return shim;
  }

  /** A host after the one that began it. */
  connect(shim: TestShim, generation: number): Promise<ShimClient> {
    return this.#lab.connect(shim.start.socket, generation);
  }

  close(): void {
    this.#lab.clean();
  }
}

/** One run: what is done to it waits until it has begun, and is done in that order. */
class BoxedRun {
  readonly began: Promise<TestShim>;
  readonly exited: Promise<Exit>;
  running = true;
  /** That of the newest host. */
  client: ShimClient | null = null;
  #last: Promise<unknown>;
  #stopping: Promise<RunExit> | null = null;
  #orphaned: Promise<void> | null = null;
  #frames = 0;

  constructor(boxes: Boxes, launch: LaunchSpec, printed: (source: 'out' | 'err', bytes: Buffer) => void) {
    this.began = boxes.start(launch);
    this.#last = this.began;
    this.exited = this.began.then((shim) => {
      this.client = shim.client;
      return this.#follow(shim, printed);
    });
    // A test that fails meanwhile hears of it when it is ended.
    this.exited
      .catch(() => undefined)
      .then(() => {
        this.running = false;
      });
  }

  /** Reads the journal as it grows, to its end; a shim that died leaves no end. */
  async #follow(shim: TestShim, printed: (source: 'out' | 'err', bytes: Buffer) => void): Promise<Exit> {
    const reader = new JournalReader(shim.start.dir);
    try {
      for (;;) {
        const lives = isAlive(shim.identity);
        for (const record of reader.read()) {
          if (record.type === RecordType.out) printed('out', Buffer.from(record.payload));
          if (record.type === RecordType.err) printed('err', Buffer.from(record.payload));
          if (record.type === RecordType.runExited) return exitOf(record.payload);
        }
        if (!lives) {
          await this.#orphaned;
          return { code: null, signal: 'SIGKILL' };
        }
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      }
    } finally {
      reader.close();
    }
  }

  /** After all that was asked before. */
  inTurn<T>(act: (client: ShimClient) => Promise<T>): Promise<T> {
    const mine = this.#last.then(() => act(this.client!));
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  write(data: string): void {
    this.#frames += 1;
    const frame = `frame-${this.#frames}`;
    // Writing to a process that has just ended fails: the test looks at its exit.
    this.inTurn((client) => client.write(0, frame, data)).catch(() => undefined);
  }

  stop(ladder: StopLadder): Promise<RunExit> {
    this.#stopping ??= this.inTurn((client) => client.stop('stop', ladder, 'the test has done'));
    return this.#stopping;
  }

  /** Kills its shim; it has ended when its whole box is gone. */
  orphan(): void {
    this.#orphaned = this.began.then(async ({ identity }) => {
      const tree = descendants(identity.pid);
      process.kill(identity.pid, 'SIGKILL');
      await until('the box to be gone', () => !tree.some((entry) => isAlive(entry)));
    });
  }

  async kill(): Promise<void> {
    const shim = await this.began;
    if (!isAlive(shim.identity)) return;
    // The run may end by itself meanwhile.
    await this.stop(KILL).catch(() => undefined);
    await this.exited;
  }
}

function exitOf(payload: Buffer): Exit {
  const { code, signal } = JSON.parse(payload.toString()) as RunExit;
  return { code, signal };
}

export class BoxedEngine extends DrivenEngine {
  readonly #boxes: Boxes;
  readonly #run: BoxedRun;
  #generation = 1;

  constructor(boxes: Boxes, spec: LaunchSpec, observed: Observed) {
    super(spec, observed);
    this.#boxes = boxes;
    const streams = { out: new PassThrough(), err: new PassThrough() };
    for (const source of ['out', 'err'] as const)
      createInterface({ input: streams[source] }).on('line', (line) => this.heard(source, line));
    this.#run = new BoxedRun(boxes, spec, (source, bytes) => streams[source].write(bytes));
    for (const frame of spec.opening) this.write(frame);
  }

  get exited(): Promise<Exit> {
    return this.#run.exited;
  }

  get running(): boolean {
    return this.#run.running;
  }

  write(frame: Frame): void {
    this.#run.write(frame.data);
  }

  async stop(): Promise<Exit & { step: string }> {
    const { code, signal, killed } = await this.#run.stop(this.spec.stop);
    // Read to its end.
    await this.exited;
    return { code, signal, step: killed > 0 ? 'SIGKILL' : 'SIGTERM' };
  }

  kill(): Promise<void> {
    return this.#run.kill();
  }

  /** Its shim dies. */
  abandon(): void {
    this.#run.orphan();
  }

  /** Everything that lives of its run. */
  async tree() {
    const { identity } = await this.#run.began;
    return descendants(identity.pid).filter((entry) => !entry.zombie);
  }

  pause(): Promise<PauseRecord> {
    return this.#run.inTurn((client) => client.pause('pause', 'the test'));
  }

  resume(): Promise<unknown> {
    return this.#run.inTurn((client) => client.thaw('thaw', 'the test'));
  }

  /** The host dies and another one has the run. @returns all that it finds in the journal */
  async adopt(): Promise<Observed> {
    const shim = await this.#run.began;
    const found = new Observed(this.observed.runtime);
    this.#generation += 1;
    await this.#run.inTurn(async (client) => {
      client.close();
      this.#run.client = await this.#boxes.connect(shim, this.#generation);
    });
    const { client } = this.#run;
    if (client === null || client.status.processes.length !== 1) throw new Error('the run was not found');
    const text = shim.journal.read().text(0);
    for (const line of text.slice(0, text.lastIndexOf('\n')).split('\n'))
      found.take(found.runtime.observer.line(found.state, 'out', line));
    return found;
  }
}

/** The PTY of a terminal in a box. */
export function boxedPty(boxes: Boxes, spec: LaunchSpec): Pty {
  const listeners: ((data: string) => void)[] = [];
  const run = new BoxedRun(boxes, spec, (_source, bytes) => {
    for (const listener of listeners) listener(bytes.toString());
  });
  return {
    write: (data) => run.write(data),
    kill: () => void run.stop(spec.stop).catch(() => undefined),
    onData: (listener) => void listeners.push(listener),
    onExit: (listener) =>
      void run.exited.then(({ code, signal }) =>
        listener({ exitCode: code ?? 0, ...(signal === null ? {} : { signal: Number(signal) || 1 }) }),
      ),
  };
}
