/** The host that does not live long: started as a user starts it, killed by its pid, and started again. */
import { setTimeout as sleep } from 'node:timers/promises';
import { AetherError } from '../../src/host/errors.ts';
import { eventually } from '../support/eventually.ts';
import { type LiveFleet, running } from '../support/live-fleet.ts';

const UP_MS = 90_000;

export class MortalHost {
  readonly #fleet: LiveFleet;
  readonly #heard: { complaint(text: string): void; remark(text: string): void };
  /** Milliseconds from starting a host to its first answer. */
  readonly starts: number[] = [];
  deaths = 0;
  /** Of these, in their start. */
  early = 0;

  constructor(fleet: LiveFleet, heard: { complaint(text: string): void; remark(text: string): void }) {
    this.#fleet = fleet;
    this.#heard = heard;
  }

  /** Starts a host and returns once it answers. */
  async up(): Promise<void> {
    const begun = Date.now();
    const end = begun + UP_MS;
    for (;;) {
      const result = await this.#fleet.cli(['up', '--detach'], { deadline_ms: UP_MS });
      if (result.code === 0 || (await this.#answers())) break;
      // What a host that was killed in its start leaves may hold the lock for a moment longer.
      if (Date.now() > end)
        throw new Error(
          `no host comes up: exit ${result.code ?? result.signal}\n${result.stdout}${result.stderr}${this.#fleet.hostLog()}`,
        );
      this.#heard.remark(`up: exit ${result.code ?? result.signal}: ${result.stderr.trim().slice(0, 200)}`);
      await sleep(100);
    }
    this.starts.push(Date.now() - begun);
  }

  /** `up` also fails when an agent is down for a moment: that is judged at the end. */
  async #answers(): Promise<boolean> {
    try {
      await this.#fleet.withHost((client) => client.call('info'));
      return true;
    } catch (error) {
      if (cutOff(error)) return false;
      throw error;
    }
  }

  /** Starts a host that does not get old: SIGKILL so long after it took the state directory. */
  async upAndDie(after_ms: number): Promise<void> {
    const before = this.pid;
    const starting = this.#fleet.begin(['up', '--detach'], { deadline_ms: UP_MS });
    let over = false;
    void starting.ended.finally(() => {
      over = true;
    });
    const born = () => {
      const now = this.pid;
      return now !== null && now !== before && running(now) ? now : null;
    };
    const pid = await eventually(
      'a host takes the state directory',
      () => born() ?? (over ? ('none' as const) : null),
      UP_MS,
    );
    if (pid === 'none') {
      const { code, stderr } = await starting.ended;
      this.#heard.remark(`up: exit ${code}, with no host to kill: ${stderr.trim().slice(0, 200)}`);
      return;
    }
    await sleep(after_ms);
    await this.kill(pid);
    this.early += 1;
    await starting.ended;
  }

  /** As it is written down; null: not yet, or a host that ended properly. */
  get pid(): number | null {
    try {
      return this.#fleet.hostPid || null;
    } catch {
      return null;
    }
  }

  async kill(pid = this.#fleet.hostPid): Promise<void> {
    if (!running(pid))
      this.#heard.complaint(`host ${pid} was dead before it was killed${this.#fleet.hostLog()}`);
    else process.kill(pid, 'SIGKILL');
    await eventually('the host is gone', () => !running(pid), 10_000);
    this.deaths += 1;
  }
}

/** The host went away, or is not there yet: no answer, and no fault of whoever was asked. */
export function cutOff(error: unknown): boolean {
  if (error instanceof AetherError)
    return ['control.lost', 'host.absent', 'control.stopping', 'host.stopping'].includes(error.code);
  return ['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE'].includes(
    String((error as NodeJS.ErrnoException).code),
  );
}
