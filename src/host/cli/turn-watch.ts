/**
 * When "the turn" of `aether run` is over. With a message it is the turn that has read the message: a turn that ends
 * while the message still waits in the queue does not count.
 */
import type { EventView } from '../api.ts';
import type { Topic } from '../events/topics.ts';

export interface TurnEnd {
  ok: boolean;
  /** For a person; empty when the transcript has said it. */
  why: string;
}

export class TurnWatch {
  readonly #inject: string | null;
  readonly #untilExit: boolean;
  /** The message was read: the next turn that ends is the one. */
  #read: boolean;
  #delivered = false;
  /** A turn that ended after the message was delivered; proven to be the one when 'acted' comes later. */
  #candidate: TurnEnd | null = null;

  /** @param untilExit a plain command: it has no turns, its end is the end. */
  constructor(inject: string | null, untilExit: boolean) {
    this.#inject = inject;
    this.#untilExit = untilExit;
    this.#read = inject === null;
  }

  /** @returns null while it goes on. */
  see(event: EventView): TurnEnd | null {
    switch (event.topic) {
      case 'run.exited':
        return {
          ok: event.data.code === 0,
          why: event.data.code === 0 ? '' : 'The run ended before the turn did.',
        };
      case 'run.lost':
        return { ok: false, why: 'The run was lost: its supervisor is gone.' };
      case 'agent.failed':
        return { ok: false, why: '' };
      case 'turn.ended':
        return this.#turnEnded(event.data.outcome === 'done');
      case 'inject.delivered':
      case 'inject.seen':
      case 'inject.acted':
      case 'inject.cancelled':
      case 'inject.dropped':
      case 'inject.unknown':
        return event.data.inject === this.#inject ? this.#receipt(event.topic) : null;
      default:
        return null;
    }
  }

  #turnEnded(ok: boolean): TurnEnd | null {
    if (this.#untilExit) return null;
    const end = { ok, why: '' };
    if (this.#read) return end;
    if (this.#delivered) this.#candidate = end;
    return null;
  }

  #receipt(topic: Topic): TurnEnd | null {
    if (topic === 'inject.delivered') this.#delivered = true;
    if (topic === 'inject.cancelled' || topic === 'inject.unknown') {
      return { ok: false, why: 'The message was not provably delivered; see `aether logs`.' };
    }
    if (topic === 'inject.dropped') {
      // The turn that was cut short has not told it; it is sent again.
      this.#candidate = null;
      this.#delivered = false;
    }
    if (topic === 'inject.seen') {
      // What ended before it was seen was another turn.
      this.#candidate = null;
      this.#read = true;
    }
    if (topic === 'inject.acted') {
      this.#read = true;
      return this.#candidate;
    }
    return null;
  }
}
