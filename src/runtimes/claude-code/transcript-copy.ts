/**
 * Copying the files of a conversation through open descriptors, piece by piece: a conversation of a week is hundreds of
 * megabytes. The old id, in the text and in paths, is replaced by the new one on the way.
 */
import { closeSync, fstatSync, ftruncate, read, write } from 'node:fs';
import { promisify } from 'node:util';

const readAt = promisify(read);
const writeAt = promisify(write);
const truncate = promisify(ftruncate);

const STEP_BYTES = 1024 * 1024;
/** A line without an end that is longer is not looked at: it is cut off. */
const LAST_LINE_BYTES_MAX = 64 * 1024 * 1024;

/** What is found, and what stands in its place. */
export type Replacement = readonly [found: string, put: string];

/** Closes the descriptor however it ends. */
export function closed<T>(fd: number, body: () => T): T {
  let result: T;
  try {
    result = body();
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  if (!(result instanceof Promise)) {
    closeSync(fd);
    return result;
  }
  return result.finally(() => closeSync(fd)) as T;
}

/**
 * Copies what the file holds now; it may grow meanwhile.
 * @param lines it is JSON, a value a line: a last line that is torn is left out
 * @returns bytes written
 */
export async function copyFile(
  from: number,
  to: number,
  { replace, lines }: { replace: readonly Replacement[]; lines: boolean },
): Promise<number> {
  const { size } = fstatSync(from);
  const replacer = new Replacer(replace);
  const out = { at: 0, lineEnd: 0 };
  const put = async (pieces: readonly Buffer[]): Promise<void> => {
    for (const piece of pieces) {
      const end = piece.lastIndexOf(0x0a);
      if (end >= 0) out.lineEnd = out.at + end + 1;
      await writeWhole(to, piece, out.at);
      out.at += piece.length;
    }
  };
  for (let at = 0; at < size; ) {
    const step = Math.min(STEP_BYTES, size - at);
    const { bytesRead, buffer } = await readAt(from, Buffer.allocUnsafe(step), 0, step, at);
    if (bytesRead === 0) break;
    at += bytesRead;
    await put(replacer.push(buffer.subarray(0, bytesRead)));
  }
  await put([replacer.rest()]);
  return lines ? await endLastLine(to, out.lineEnd, out.at) : out.at;
}

async function writeWhole(fd: number, bytes: Buffer, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await writeAt(fd, bytes, done, bytes.length - done, at + done);
    done += bytesWritten;
  }
}

/** A process that is killed, or writes just now, leaves half a line: what is appended to it would be lost with it. */
async function endLastLine(fd: number, begins: number, ends: number): Promise<number> {
  if (begins === ends) return ends;
  if (ends - begins <= LAST_LINE_BYTES_MAX) {
    const line = Buffer.allocUnsafe(ends - begins);
    const { bytesRead } = await readAt(fd, line, 0, line.length, begins);
    if (bytesRead === line.length && isJson(line.toString())) {
      await writeWhole(fd, Buffer.from('\n'), ends);
      return ends + 1;
    }
  }
  await truncate(fd, begins);
  return begins;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Replaces texts in a stream of bytes, also where one is cut by the end of a piece. */
class Replacer {
  readonly #pairs: readonly { found: Buffer; put: Buffer }[];
  readonly #longest: number;
  #kept = Buffer.alloc(0);

  constructor(pairs: readonly Replacement[]) {
    this.#pairs = pairs.map(([found, put]) => ({ found: Buffer.from(found), put: Buffer.from(put) }));
    this.#longest = Math.max(1, ...this.#pairs.map(({ found }) => found.length));
  }

  push(bytes: Buffer): Buffer[] {
    const data = this.#kept.length === 0 ? bytes : Buffer.concat([this.#kept, bytes]);
    const pieces: Buffer[] = [];
    const next = this.#pairs.map(({ found }) => data.indexOf(found));
    let at = 0;
    for (;;) {
      for (const [index, place] of next.entries())
        if (place >= 0 && place < at) next[index] = data.indexOf(this.#pairs[index]!.found, at);
      const first = next.reduce((least, place) => (place >= 0 && place < least ? place : least), data.length);
      if (first === data.length) break;
      const { found, put } = this.#pairs[next.indexOf(first)]!;
      pieces.push(data.subarray(at, first), put);
      at = first + found.length;
    }
    // The beginning of one may be at the end.
    const keep = Math.max(at, data.length - this.#longest + 1);
    pieces.push(data.subarray(at, keep));
    this.#kept = Buffer.from(data.subarray(keep));
    return pieces;
  }

  rest(): Buffer {
    return this.#kept;
  }
}
