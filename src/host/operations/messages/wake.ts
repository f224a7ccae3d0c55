/**
 * Mail wakes an idle agent. One message per burst of mail, only when the agent is between turns, and not more often
 * than the limit allows: two agents that answer each other for ever must not spend a budget unnoticed.
 */
import type { MessageView } from '../../api.ts';
import { isDiskFull, messageOf } from '../../errors.ts';
import { limits } from '../../limits.ts';
import { mailNote } from '../notes.ts';
import type { Wiring } from '../wiring.ts';
import { acceptInjection, type InjectionDelivery } from './inject.ts';

/** What this file uses of the host. */
type Needs = Pick<
  Wiring,
  'store' | 'clock' | 'ids' | 'log' | 'events' | 'agents' | 'runs' | 'injections' | 'leases'
>;

/** The newest injections in which `recall` looks for the message that told of a mail. */
const TOLD_LOOKED_AT = 100;
const DISK_AGAIN_MS = 2_000;

export class Wake {
  readonly #wiring: Needs;
  readonly #delivery: InjectionDelivery;
  readonly #unread: (agent: string) => number;
  /** Agents with mail they were not told of, and the newest of it. */
  readonly #untold = new Map<string, MessageView>();
  readonly #told = new Map<string, number[]>();
  readonly #timers = new Map<string, () => void>();

  constructor(wiring: Needs, delivery: InjectionDelivery, unread: (agent: string) => number) {
    this.#wiring = wiring;
    this.#delivery = delivery;
    this.#unread = unread;
  }

  mail(agent: string, message: MessageView): void {
    this.#untold.set(agent, message);
    this.consider(agent);
  }

  /**
   * After a host start: whom the last host had yet to tell is not lost with it.
   * @param newest the agent's newest unread message
   */
  recall(agent: string, newest: MessageView | undefined): void {
    if (newest === undefined) return;
    const told = this.#wiring.injections
      .list(agent, TOLD_LOOKED_AT)
      .some(({ principal, created_ms }) => principal === newest.from && created_ms >= newest.sent_ms);
    if (!told) this.mail(agent, newest);
  }

  /** Call when the agent's activity may have changed. */
  consider(agent: string): void {
    const message = this.#untold.get(agent);
    if (message === undefined) return;
    const config = this.#wiring.agents.find(agent)?.config;
    const run = this.#wiring.runs.of(agent);
    if (config === undefined || !config.wake || this.#unread(agent) === 0) {
      this.#untold.delete(agent);
      return;
    }
    if (run === null || run.runtime.capabilities.engine !== 'structured') return;
    if (run.record.activity !== 'idle' || this.#wiring.leases.find(agent) !== null) return;
    const now = this.#wiring.clock.elapsed();
    const recent = (this.#told.get(agent) ?? []).filter((at) => at > now - 60_000);
    if (recent.length >= limits.wakeups_per_minute_max) {
      this.#later(agent, recent[0]! + 60_000 - now);
      return;
    }
    try {
      acceptInjection(
        this.#wiring,
        agent,
        {
          text: mailNote(this.#unread(agent), message.from),
          priority: 'later',
        },
        // In the sender's name: what they may not do, the turn this begins may not do for them.
        message.from,
      );
      this.#untold.delete(agent);
      this.#told.set(agent, [...recent, now]);
      void this.#delivery.kick(agent);
    } catch (error) {
      this.#wiring.log.warn({ agent, error: messageOf(error) }, 'an agent could not be notified of its mail');
      if (isDiskFull(error)) this.#later(agent, DISK_AGAIN_MS);
      else this.#untold.delete(agent);
    }
  }

  #later(agent: string, delay_ms: number): void {
    if (this.#timers.has(agent)) return;
    const cancel = this.#wiring.clock.after(Math.max(1, delay_ms), () => {
      this.#timers.delete(agent);
      this.consider(agent);
    });
    this.#timers.set(agent, cancel);
  }

  close(): void {
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }
}
