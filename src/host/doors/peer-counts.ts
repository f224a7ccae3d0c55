/**
 * How many connections a door has, in all and from each peer. One peer may fill only its own share, so that a
 * program that opens connections in a loop does not shut the door for the others.
 */
export interface Caps {
  connections_max: number;
  connections_per_peer_max: number;
}

/** Why a connection gets no place. */
export type NoPlace = 'door-full' | 'peer-full';

export class PeerCounts {
  readonly #caps: Caps;
  readonly #counts = new Map<string, number>();
  #total = 0;

  constructor(caps: Caps) {
    this.#caps = caps;
  }

  get total(): number {
    return this.#total;
  }

  /** Takes a place for one connection of this peer. @returns null, or why there is none */
  enter(peer: string): NoPlace | null {
    const count = this.#counts.get(peer) ?? 0;
    if (count >= this.#caps.connections_per_peer_max) return 'peer-full';
    if (this.#total >= this.#caps.connections_max) return 'door-full';
    this.#counts.set(peer, count + 1);
    this.#total += 1;
    return null;
  }

  leave(peer: string): void {
    const count = this.#counts.get(peer);
    if (count === undefined) return;
    if (count === 1) this.#counts.delete(peer);
    else this.#counts.set(peer, count - 1);
    this.#total -= 1;
  }
}
