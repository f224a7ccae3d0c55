/** Tells a shim how far its journal is processed, so that it may delete that part. */
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { ShimClient } from '../shim/client/client.ts';

/** Far below the journal's limit, far above one line. */
const EVERY_BYTES = 4 * 1024 * 1024;

export interface AcknowledgementOptions {
  log: Log;
  /** Null while there is no connection. */
  client(): ShimClient | null;
  /** How far others have read the journal; null: none is behind. */
  readTo(): number | null;
}

export class Acknowledgement {
  readonly #o: AcknowledgementOptions;
  /** The shim was told last. */
  #told = 0;

  constructor(options: AcknowledgementOptions) {
    this.#o = options;
  }

  /** @param saved by the host. One that is lost is made good by the next. */
  upTo(saved: number): void {
    const client = this.#o.client();
    if (client === null || saved - this.#told < EVERY_BYTES) return;
    const read = Math.min(saved, this.#o.readTo() ?? saved);
    if (read - this.#told < EVERY_BYTES) return;
    this.#told = read;
    client
      .ack(read)
      .catch((error: unknown) => this.#o.log.debug({ error: messageOf(error) }, 'not acknowledged'));
  }
}
