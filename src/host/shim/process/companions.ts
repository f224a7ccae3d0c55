/**
 * Programs of ours that serve the run and are not of it: the proxy, helpers in its network, what attaches that network.
 * They are children of this process, and yet neither stopped with the agent, nor counted, nor killed before it: an
 * engine that is told to end still needs its network.
 */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import type { Containment } from '../../process/containment.ts';
import type { Reaper } from './reaper.ts';

const END_MS = 2_000;

export class Companions {
  readonly #containment: Containment;
  readonly #reaper: Reaper;
  readonly #children = new Set<ChildProcess>();

  constructor(containment: Containment, reaper: Reaper) {
    this.#containment = containment;
    this.#reaper = reaper;
  }

  /** A failure is told by its `error` event, as with spawn. */
  spawn(file: string, args: string[], options: SpawnOptions): ChildProcess {
    const child = spawn(file, args, { cwd: '/', ...options });
    const { pid } = child;
    if (pid === undefined) return child;
    this.#children.add(child);
    this.#containment.spare(pid);
    this.#reaper.own(pid);
    child.once('exit', () => {
      this.#children.delete(child);
      this.#containment.unspare(pid);
      this.#reaper.disown(pid);
    });
    return child;
  }

  /** Ends them all: one that has an input by its end, because it has a child of its own to end. */
  async close(): Promise<void> {
    const ended = [...this.#children].map((child) => {
      if (child.stdin === null) child.kill('SIGKILL');
      else child.stdin.destroy();
      return new Promise<void>((resolve) => child.once('exit', () => resolve()));
    });
    const patience = Promise.withResolvers<void>();
    const timer = setTimeout(patience.resolve, END_MS);
    await Promise.race([Promise.all(ended), patience.promise]);
    clearTimeout(timer);
    for (const child of this.#children) child.kill('SIGKILL');
  }
}
