/**
 * JSON lines out of a byte stream, with a limit on the length of one. Works on bytes and decodes whole lines,
 * so a character that is cut between two chunks survives.
 */
export class LineReader {
  #parts: Buffer[] = [];
  #length = 0;
  readonly #max: number;
  readonly #onLine: (line: string) => void;
  readonly #onTooLong: () => void;
  #broken = false;

  /** @param max bytes of one line without its newline; a longer one calls `onTooLong`, and nothing after it is read. */
  constructor(max: number, onLine: (line: string) => void, onTooLong: () => void) {
    this.#max = max;
    this.#onLine = onLine;
    this.#onTooLong = onTooLong;
  }

  push(chunk: Buffer): void {
    let start = 0;
    while (!this.#broken) {
      const end = chunk.indexOf(10, start);
      const piece = chunk.subarray(start, end === -1 ? chunk.length : end);
      this.#length += piece.length;
      if (this.#length > this.#max) {
        this.#broken = true;
        this.#parts = [];
        this.#onTooLong();
        return;
      }
      if (piece.length > 0) this.#parts.push(piece);
      if (end === -1) return;
      const line = Buffer.concat(this.#parts).toString('utf8');
      this.#parts = [];
      this.#length = 0;
      start = end + 1;
      if (line.trim() !== '') this.#onLine(line);
    }
  }
}
