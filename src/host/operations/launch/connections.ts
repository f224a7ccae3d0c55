/**
 * The host's connections to the shims of its runs. A broken one is restored while the shim lives, however long it is
 * silent: silence is not death. When the shim is dead, or can never be reached again, the run is lost: what is left of
 * it is ended, its journal is read to the last whole record, and the restart policy decides.
 */
import fs from 'node:fs';
import { sleep } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import { bootId, isAlive } from '../../process/proc.ts';
import type { Run, RunSink } from '../../runs/run.ts';
import { over } from '../../runs/tree.ts';
import { ShimClient } from '../../shim/client/client.ts';
import { repairTail } from '../../shim/tail.ts';
import { SingleFlight } from '../../single-flight.ts';
import type { Wiring } from '../wiring.ts';
import { endRemains } from './release.ts';
import { NEVER_STARTED } from './run-end.ts';

/** What this file uses of the host. */
type Needs = Pick<
  Wiring,
  | 'clock'
  | 'log'
  | 'events'
  | 'runs'
  | 'runTable'
  | 'generation'
  | 'stateDir'
  | 'socketDir'
  | 'groupKinds'
  | 'sandbox'
  | 'report'
>;

/** A shim that lives may be slow to answer on a machine under load: from then on the run is shown as unknown. */
const QUIET_ATTEMPTS = 3;
const PAUSE_MS_MIN = 250;
const PAUSE_MS_MAX = 2_000;

export class Connections {
  readonly #wiring: Needs;
  readonly #sink: RunSink;
  readonly #ending = new SingleFlight();

  constructor(wiring: Needs, sink: RunSink) {
    this.#wiring = wiring;
    this.#sink = sink;
  }

  /** Attaches, and sees to it that a connection that breaks before the run has ended is not the last word. */
  hold(run: Run, client: ShimClient): void {
    const { clock } = this.#wiring;
    const since_ms = clock.elapsed();
    run.attach(client);
    client.onRefused(({ message, report }) =>
      this.#wiring.report({ ...report, door: `shim of ${run.record.agent}`, why: message }),
    );
    client.onClose((why) => {
      // A newer host has the run and handles its end.
      if (why.code === 'shim.fenced') return;
      this.#regain(run, clock.elapsed() - since_ms).catch((error: unknown) =>
        this.#wiring.log.error(
          { run: run.id, error: messageOf(error) },
          'a broken connection was not restored',
        ),
      );
    });
  }

  async #regain(run: Run, held_ms: number): Promise<void> {
    await run.pump();
    // What takes connections and breaks each at once is not asked again without a pause.
    if (held_ms < PAUSE_MS_MAX && shimLives(run)) await sleep(this.#wiring.clock, PAUSE_MS_MIN);
    if (run.ended || run.closed) return;
    const client = await this.reach(run);
    if (run.ended || run.closed) client?.close();
    else if (client === null) await this.lost(run);
    else {
      this.hold(run, client);
      await run.pump();
      // What waited for it is told that it is back.
      run.wake();
    }
  }

  /**
   * Tries for as long as the shim lives and has a socket.
   * @returns null when the shim can never answer, or the run is closed or over
   */
  async reach(run: Run): Promise<ShimClient | null> {
    let pause_ms = PAUSE_MS_MIN;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const client = await this.#connect(run);
        this.#heard(run);
        return client;
      } catch (error) {
        if (attempt <= QUIET_ATTEMPTS)
          this.#wiring.log.warn({ run: run.id, error: messageOf(error) }, 'no shim answers for this run');
        if (!shimLives(run) || run.closed || run.ended) return null;
        if (attempt >= QUIET_ATTEMPTS) {
          if (!fs.existsSync(run.paths.shimSocket)) return null;
          this.#unheard(run, messageOf(error));
        }
      }
      await sleep(this.#wiring.clock, pause_ms);
      pause_ms = Math.min(pause_ms * 2, PAUSE_MS_MAX);
    }
  }

  #connect({ paths, record }: Run): Promise<ShimClient> {
    return ShimClient.connect(paths.shimSocket, this.#wiring.generation, record.shim);
  }

  #unheard(run: Run, why: string): void {
    if (run.record.state === 'unknown') return;
    run.save((record) => {
      const what = `its shim (pid ${record.shim?.pid}) lives and cannot be reached: ${why}`;
      run.setState('unknown', { source: 'host', what, at_ms: this.#wiring.clock.now() });
    });
  }

  #heard(run: Run): void {
    if (run.record.state !== 'unknown' || run.ended) return;
    run.save((record) => {
      const what = `its shim (pid ${record.shim?.pid}) answers again`;
      run.setState('running', { source: 'shim', what, at_ms: this.#wiring.clock.now() });
    });
  }

  /** Ends a run that can only be ended from outside, and records that its end is not known. Once per run. */
  lost(run: Run, why = shimLives(run) ? 'its shim cannot be reached' : 'its shim is gone'): Promise<void> {
    return this.#ending.run(run.id, () => this.#lost(run, why));
  }

  /** @returns bytes cut from the end of its journal; 0 where that cannot be read */
  #repair(run: Run): number {
    try {
      return repairTail(run.paths.journal).cut;
    } catch (error) {
      this.#wiring.log.warn(
        { run: run.id, error: messageOf(error) },
        'the end of a journal was not repaired',
      );
      return 0;
    }
  }

  async #lost(run: Run, reason: string): Promise<void> {
    const { events, clock } = this.#wiring;
    // The journal also names the processes to look for, and the end of it may be unread.
    await run.pump();
    // Its end may be in the journal: while the store takes nothing, it must not be said that it is not known.
    while (run.behind && !run.closed) {
      await sleep(this.#wiring.clock, PAUSE_MS_MAX);
      await run.pump();
    }
    if (run.ended || run.closed) return;
    // A second engine on the same conversation would lose turns, so what the shim left behind is ended first. Its
    // processes can write to the journal until then: only after that is the end of the journal final.
    const { why, killed, survivors, exact, certainty } = await endRemains(this.#wiring, run.record, reason);
    const cut = this.#repair(run);
    await run.pump();
    if (run.ended || run.closed) return;
    const now = clock.now();
    const nothing = reason === NEVER_STARTED && survivors === 0;
    run.save((record) => {
      record.state = nothing ? 'exited' : 'unknown';
      record.state_ms = now;
      const what = `${why}; what was left of it was ended (${certainty})`;
      record.stateEvidence = { source: 'host', grade: 'observed', what, at_ms: now };
      record.exited_ms = now;
      record.requested = null;
      record.activity = null;
      const cause = nothing ? 'stopped' : 'lost';
      record.exit = {
        ...{ code: null, signal: null, cause, reason: why, killed, survivors },
        ...(nothing ? {} : { exact }),
      };
      over(record.tree, now);
      if (nothing) {
        events.append({
          topic: 'run.exited',
          agent: record.agent,
          run: record.id,
          principal: 'host',
          grade: 'observed',
          data: { ...record.exit },
        });
        return;
      }
      events.append({
        topic: 'run.lost',
        agent: record.agent,
        run: record.id,
        principal: 'host',
        grade: 'observed',
        data: {
          why,
          means: record.tree.containment?.means ?? null,
          killed,
          survivors,
          exact,
          certainty,
          journal_bytes_cut: cut,
        },
      });
    });
    this.#sink.exited(run);
  }
}

function shimLives(run: Run): boolean {
  const { shim, boot_id } = run.record;
  return shim !== null && boot_id === bootId() && isAlive(shim);
}
