/**
 * Periodic work of the host: expired leases and holds, retention, and its own end when no client needs it. A chore that
 * fails is logged and tried again next time: a full disk must not end the host, and no chore may stop another.
 */
import { isDiskFull, messageOf } from '../../errors.ts';
import type { Wiring } from '../wiring.ts';
import type { Retention } from './retention.ts';

/** What this file uses of the host. */
type Needs = Pick<Wiring, 'clock' | 'log' | 'closing'>;

const EVERY_MS = 5_000;
const AGAIN_MS = 2_000;

export class Upkeep {
  readonly #wiring: Needs;
  readonly #chores: Record<string, () => unknown>;
  readonly #retention: Retention;
  readonly #idleExit_ms: number | null;
  readonly #needed: () => boolean;
  readonly #leave: () => void;
  #neededAt: number;
  #cancel = () => {};

  constructor(parts: {
    wiring: Needs;
    /** By what the log says of one that fails. */
    chores: Record<string, () => unknown>;
    retention: Retention;
    /** For so long `needed` must be false before the host leaves; null: it stays. */
    idleExit_ms: number | null;
    needed: () => boolean;
    leave: () => void;
  }) {
    this.#wiring = parts.wiring;
    this.#chores = parts.chores;
    this.#retention = parts.retention;
    this.#idleExit_ms = parts.idleExit_ms;
    this.#needed = parts.needed;
    this.#leave = parts.leave;
    this.#neededAt = parts.wiring.clock.elapsed();
  }

  start(): void {
    this.#retention.start();
    this.#round();
  }

  async close(): Promise<void> {
    this.#cancel();
    await this.#retention.close();
  }

  #round(): void {
    const { clock, log } = this.#wiring;
    for (const [what, chore] of Object.entries(this.#chores)) {
      try {
        chore();
      } catch (error) {
        log.warn({ error: messageOf(error) }, what);
      }
    }
    if (this.#needed()) this.#neededAt = clock.elapsed();
    if (this.#idleExit_ms !== null && clock.elapsed() - this.#neededAt > this.#idleExit_ms) {
      log.info('no client needs this host any more');
      this.#leave();
      return;
    }
    this.#cancel = clock.after(Math.min(EVERY_MS, this.#idleExit_ms ?? EVERY_MS), () => this.#round());
  }
}

/** Does it now, or as soon as the disk takes it. For what no client will ask for again. */
export function onceStored(wiring: Needs, what: string, body: () => void): void {
  try {
    body();
  } catch (error) {
    if (!isDiskFull(error) || wiring.closing()) throw error;
    wiring.log.warn({ error: messageOf(error) }, `${what} waits for the disk`);
    wiring.clock.after(AGAIN_MS, () => {
      try {
        onceStored(wiring, what, body);
      } catch (later) {
        wiring.log.error({ error: messageOf(later) }, what);
      }
    });
  }
}
