/**
 * Runs queries in a worker thread over a read connection of its own, so that a long one leaves the host's event loop
 * free. A module of queries exports functions of (reader, argument); both ways go JSON-like values. The thread starts
 * with the first query, and a query that fails affects no other.
 */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { AetherError, type WireError } from '../errors.ts';
import { Reader } from './reader.ts';

interface Job {
  id: number;
  name: string;
  argument: unknown;
}

type Outcome = { id: number } & ({ value: unknown } | { error: WireError | string });

/** `module`: URL of the file whose exports are the queries. */
interface Setting {
  file: string;
  module: string;
}

type Queries = Record<string, (reader: Reader, argument: unknown) => unknown>;

export class ReadThread {
  readonly #setting: Setting;
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: unknown): void }>();
  #worker: Worker | null = null;
  #last = 0;

  constructor(setting: Setting) {
    this.#setting = setting;
  }

  /** @throws what the query threw; `store.reader` where the thread itself ended */
  run(name: string, argument: unknown): Promise<unknown> {
    this.#worker ??= this.#start();
    this.#last += 1;
    const job: Job = { id: this.#last, name, argument };
    this.#worker.postMessage(job);
    return new Promise((resolve, reject) => this.#waiting.set(job.id, { resolve, reject }));
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(new URL(import.meta.url), { workerData: this.#setting });
    worker.unref();
    worker.on('message', (outcome: Outcome) => {
      const waits = this.#waiting.get(outcome.id);
      this.#waiting.delete(outcome.id);
      if ('value' in outcome) waits?.resolve(outcome.value);
      else waits?.reject(thrown(outcome.error));
    });
    worker.on('error', (error) => this.#ended(worker, String(error)));
    worker.on('exit', () => this.#ended(worker, 'it was ended'));
    return worker;
  }

  #ended(worker: Worker, why: string): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) {
      reject(
        new AetherError({
          code: 'store.reader',
          who: 'host',
          message: `The thread that reads the database has ended: ${why}.`,
          next: 'Try again; the thread is started again.',
        }),
      );
    }
  }
}

function thrown(error: WireError | string): Error {
  return typeof error === 'string' ? new Error(error) : new AetherError(error);
}

/** The other side: what runs in the thread. */
async function serve({ file, module }: Setting): Promise<void> {
  const reader = new Reader(file);
  const queries = (await import(module)) as Queries;
  parentPort!.on('message', ({ id, name, argument }: Job) => {
    let outcome: Outcome;
    try {
      outcome = { id, value: queries[name]!(reader, argument) };
    } catch (error) {
      outcome = { id, error: error instanceof AetherError ? error.toWire() : String(error) };
    }
    parentPort!.postMessage(outcome);
  });
}

if (!isMainThread && isSetting(workerData)) void serve(workerData);

function isSetting(data: unknown): data is Setting {
  return typeof data === 'object' && data !== null && 'file' in data && 'module' in data;
}
