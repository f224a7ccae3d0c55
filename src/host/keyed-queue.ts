/**
 * Work that must not overlap with other work on the same thing: jobs of one key run one after the other, in the
 * order in which they were given; jobs of different keys do not wait for each other.
 */
import { AetherError } from './errors.ts';

interface Job {
  readonly done: Promise<unknown>;
  begun: boolean;
}

export class KeyedQueue {
  readonly #what: string;
  readonly #waiting_max: number;
  /** The jobs of a key that have not ended, oldest first. A key without any has no entry. */
  readonly #jobs = new Map<string, Job[]>();

  /**
   * @param what the key is, in an error: `agent`
   * @param waiting_max jobs of one key that may wait for the one that runs
   */
  constructor(what: string, waiting_max: number) {
    this.#what = what;
    this.#waiting_max = waiting_max;
  }

  /** Jobs of this key that have not ended. */
  pending(key: string): number {
    return this.#jobs.get(key)?.length ?? 0;
  }

  /**
   * Runs the job after those given before it, also when they failed; never within this call.
   * @throws AetherError `queue.full`, as a rejection
   */
  run<T>(key: string, job: () => Promise<T>): Promise<T> {
    const jobs = this.#jobs.get(key) ?? [];
    if (jobs.length > this.#waiting_max) return Promise.reject(this.#full(key));
    const start = () => {
      entry.begun = true;
      return job();
    };
    const before = jobs.at(-1)?.done ?? Promise.resolve();
    const done = before.then(start, start);
    const entry: Job = { done, begun: false };
    jobs.push(entry);
    this.#jobs.set(key, jobs);
    const end = () => {
      jobs.splice(jobs.indexOf(entry), 1);
      if (jobs.length === 0) this.#jobs.delete(key);
    };
    done.then(end, end);
    return done;
  }

  /** As `run`, for a job that does everything there is to do: one that has not begun yet serves this call, too. */
  runOnce(key: string, job: () => Promise<void>): Promise<void> {
    const last = this.#jobs.get(key)?.at(-1);
    if (last !== undefined && !last.begun) return last.done as Promise<void>;
    return this.run(key, job);
  }

  #full(key: string): AetherError {
    return new AetherError({
      code: 'queue.full',
      who: 'user',
      message: `${this.#waiting_max} requests already wait for the ${this.#what} ${key}.`,
      next: 'Wait until some of them are done, then try again.',
    });
  }
}
