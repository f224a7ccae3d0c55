/**
 * Cuts a socket's bytes into lines. A line over the limit is dropped up to its end and reported, so that one
 * bad message does not cost the connection.
 */
const NEWLINE = 10;

export class LineReader {
  readonly #bytes_max: number;
  #parts: Buffer[] = [];
  #bytes = 0;
  #dropping = false;
  /** Replaced when the connection changes hands (the first line is not the transport's). */
  onLine: (line: string) => void = () => {};
  onTooLong: () => void = () => {};

  constructor(bytes_max: number) {
    this.#bytes_max = bytes_max;
  }

  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.#add(chunk.subarray(start, end));
      this.#end();
      start = end + 1;
    }
    if (start < chunk.length) this.#add(chunk.subarray(start));
  }

  #add(part: Buffer): void {
    if (this.#dropping || part.length === 0) return;
    this.#parts.push(part);
    this.#bytes += part.length;
    if (this.#bytes <= this.#bytes_max) return;
    this.#dropping = true;
    this.#parts = [];
    this.#bytes = 0;
  }

  #end(): void {
    if (this.#dropping) {
      this.#dropping = false;
      this.onTooLong();
      return;
    }
    const bytes = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#bytes = 0;
    if (bytes.length > 0) this.onLine(bytes.toString('utf8'));
  }
}
