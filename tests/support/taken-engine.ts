/**
 * An engine of a live fleet, whose host is dead: the test takes the host's place at its shim and drives it as drive.ts does.
 * For an engine that is too dear to be started for each kind of test.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { pathsOfRun } from '../../src/host/operations/launch/run-places.ts';
import { ShimClient } from '../../src/host/shim/client/client.ts';
import { JournalReader } from '../../src/host/shim/client/reader.ts';
import { RecordType, type RunExit } from '../../src/host/shim/shim-protocol.ts';
import type { Frame, LaunchSpec, Runtime } from '../../src/runtimes/runtime.ts';
import { DrivenEngine, type Exit, Observed } from './drive.ts';
import type { LiveFleet } from './live-fleet.ts';

const LOOK_MS = 20;

export class TakenEngine extends DrivenEngine {
  readonly exited: Promise<Exit>;
  readonly #client: ShimClient;
  readonly #reader: JournalReader;
  /** What its dead host has read is read again; what that has answered is not answered again. */
  readonly #known: Promise<void>;
  #running = true;
  #frames = 0;
  #left = false;

  /** @param generation that of the host that is dead: the next one takes it back */
  static async take(
    fleet: LiveFleet,
    run: string,
    { runtime, spec, generation }: { runtime: Runtime; spec: LaunchSpec; generation: number },
  ): Promise<TakenEngine> {
    const { stateDir } = fleet;
    const socketDir = fs.readFileSync(join(stateDir, 'sockets'), 'utf8').trim();
    const paths = pathsOfRun({ stateDir, socketDir }, run);
    const client = await ShimClient.connect(paths.shimSocket, generation);
    const engine = new TakenEngine(new Observed(runtime), spec, client, new JournalReader(paths.journal));
    await engine.#known;
    return engine;
  }

  private constructor(observed: Observed, spec: LaunchSpec, client: ShimClient, reader: JournalReader) {
    super(spec, observed);
    this.#client = client;
    this.#reader = reader;
    this.gateOpen = false;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.exited = this.#follow(resolve);
    this.#known = promise.then(() => {
      this.gateOpen = true;
    });
  }

  async #follow(known: () => void): Promise<Exit> {
    const streams = { out: new PassThrough(), err: new PassThrough() };
    for (const source of ['out', 'err'] as const)
      createInterface({ input: streams[source] }).on('line', (line) => this.heard(source, line));
    while (!this.#left) {
      const records = this.#reader.read();
      for (const { type, payload } of records) {
        if (type === RecordType.out) streams.out.write(Buffer.from(payload));
        if (type === RecordType.err) streams.err.write(Buffer.from(payload));
        if (type !== RecordType.runExited) continue;
        this.#running = false;
        const { code, signal } = JSON.parse(payload.toString()) as RunExit;
        return { code, signal };
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      if (records.length === 0) known();
    }
    return { code: null, signal: null };
  }

  get running(): boolean {
    return this.#running;
  }

  write({ data }: Frame): void {
    this.#frames += 1;
    // One that has just ended takes nothing: the test looks at its exit.
    this.#client.write(0, `taken-${this.#frames}`, data).catch(() => undefined);
  }

  /** For the next host. */
  leave(): void {
    this.#left = true;
    this.#client.close();
    this.#reader.close();
  }

  stop(): never {
    throw new Error('a taken engine is left to the next host');
  }

  async kill(): Promise<void> {
    this.leave();
  }

  abandon(): void {
    this.leave();
  }
}
