/** Cuts a byte stream into JSON lines without copying what has not ended yet. */
import { SHIM_LINE_BYTES_MAX } from '../wire.ts';
import { Refused } from './refused.ts';

const NEWLINE = 10;

export class JsonLines {
  readonly #onMessage: (message: unknown) => void;
  #parts: Buffer[] = [];
  #bytes = 0;

  constructor(onMessage: (message: unknown) => void) {
    this.#onMessage = onMessage;
  }

  /** @throws Refused `bad-request` for what is not JSON, `too-large` for a line without end */
  push(chunk: Buffer): void {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      this.#parts.push(chunk.subarray(from, end));
      from = end + 1;
      const line = Buffer.concat(this.#parts).toString('utf8');
      this.#parts = [];
      this.#bytes = 0;
      this.#onMessage(parse(line));
    }
    if (from === chunk.length) return;
    this.#parts.push(chunk.subarray(from));
    this.#bytes += chunk.length - from;
    if (this.#bytes > SHIM_LINE_BYTES_MAX) {
      throw new Refused('too-large', `A request has at most ${SHIM_LINE_BYTES_MAX} bytes.`);
    }
  }
}

function parse(line: string): object {
  try {
    const message: unknown = JSON.parse(line);
    if (typeof message === 'object' && message !== null) return message;
  } catch {
    // Told below, in words that do not repeat what was sent: it may hold secrets.
  }
  throw new Refused('bad-request', 'A request is one JSON object on one line.');
}
