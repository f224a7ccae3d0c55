/**
 * Which frames a process was given. Every one is remembered until the host has durably read its journal entry: from
 * then on the host knows that it was written and will not send it again, and old ids can be dropped.
 */
const REMEMBERED_AFTER_ACK = 10_000;

interface Known {
  written: Promise<void>;
  /** Journal offset behind its entry. */
  end: number;
}

export class Frames {
  readonly #known = new Map<string, Known>();

  get(frame: string): Promise<void> | undefined {
    return this.#known.get(frame)?.written;
  }

  add(frame: string, written: Promise<void>, end: number, acked: number): void {
    this.#known.set(frame, { written, end });
    for (const [old, entry] of this.#known) {
      if (this.#known.size <= REMEMBERED_AFTER_ACK || entry.end > acked) return;
      this.#known.delete(old);
    }
  }
}
