/**
 * Lines out of a stream of bytes, for every protocol of one message a line. Bytes are decoded once a line is whole, so
 * a character that is cut between two chunks survives. It needs no package, so that small programs can use it.
 */
const NEWLINE = 10;

export class LineReader {
  readonly #bytes_max: number;
  #parts: Buffer[] = [];
  #bytes = 0;
  /** The rest of a line that was too long. */
  #dropping = false;
  #closed = false;
  /** For each line that is not blank, without its newline. Replaced when a connection changes hands. */
  onLine: (line: string) => void = () => {};
  /** Once for a line over the limit, as soon as it is; lines after it are read unless this closes the reader. */
  onTooLong: () => void = () => {};

  /** @param bytes_max of one line without its newline */
  constructor(bytes_max: number) {
    this.#bytes_max = bytes_max;
  }

  push(chunk: Buffer): void {
    for (let start = 0; !this.#closed && start < chunk.length; ) {
      const end = chunk.indexOf(NEWLINE, start);
      this.#add(chunk.subarray(start, end === -1 ? chunk.length : end));
      if (end === -1) return;
      start = end + 1;
      this.#end();
    }
  }

  /** Nothing more is read, not even of the chunk at hand. */
  close(): void {
    this.#closed = true;
    this.#parts = [];
  }

  #add(part: Buffer): void {
    if (this.#dropping || part.length === 0) return;
    this.#bytes += part.length;
    if (this.#bytes <= this.#bytes_max) {
      this.#parts.push(part);
      return;
    }
    this.#dropping = true;
    this.#parts = [];
    this.onTooLong();
  }

  #end(): void {
    const line = this.#dropping || this.#closed ? '' : Buffer.concat(this.#parts).toString('utf8');
    this.#parts = [];
    this.#bytes = 0;
    this.#dropping = false;
    if (line.trim() !== '') this.onLine(line);
  }
}
