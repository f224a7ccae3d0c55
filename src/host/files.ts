/**
 * Reading files that an agent may have put there: an agent can replace any file in a place it writes by a pipe that
 * blocks the process that opens it, a link to another file, a device without end or a sparse file of 10 GB. Here a file
 * is opened without waiting, is a regular file when looked at through the open descriptor, and is read up to a limit.
 * It needs no package, so that small programs can use it.
 */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  promises,
  readSync,
  renameSync,
  rmSync,
  type Stats,
} from 'node:fs';
import type { FileHandle } from 'node:fs/promises';

interface Reading {
  /** A larger file is refused. */
  bytes_max: number;
  /**
   * Links are refused in the last part of the path, unless it lies in a place that belongs to the user, who may keep
   * their files elsewhere.
   */
  links?: 'followed';
}

/** Codes beside those of the system. */
type FileProblem = 'not-a-file' | 'too-large';

class UnsuitableFile extends Error {
  readonly code: FileProblem;

  constructor(code: FileProblem, message: string) {
    super(message);
    this.code = code;
  }
}

const flags = (links: Reading['links']): number =>
  constants.O_RDONLY |
  // Without it, opening a pipe waits for a writer.
  constants.O_NONBLOCK |
  constants.O_NOCTTY |
  (links === 'followed' ? 0 : constants.O_NOFOLLOW);

export function isFileProblem(error: unknown, code: FileProblem): boolean {
  return error instanceof UnsuitableFile && error.code === code;
}

function requireFile(path: string, stat: Stats): void {
  if (!stat.isFile()) throw new UnsuitableFile('not-a-file', `${path} is not a regular file`);
}

const tooLarge = (path: string, bytes_max: number): UnsuitableFile =>
  new UnsuitableFile('too-large', `${path} is larger than ${bytes_max} bytes`);

/**
 * The descriptor of a regular file, to be closed by the caller.
 * @param access more of open(2)'s flags, such as O_RDWR
 */
export function openFile(path: string, links?: Reading['links'], access = 0): number {
  const fd = openSync(path, flags(links) | access);
  try {
    requireFile(path, fstatSync(fd));
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** To be written at its end; made when it is missing. A pipe in its place is an error instead of a wait. */
export function openToAppend(path: string): number {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK } = constants;
  return openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, 0o600);
}

/**
 * The same for a file of output: what cannot be written in its place, such as a pipe or a directory, is renamed to
 * NAME.aside, because a host without a log is better than none.
 */
export function openOutput(path: string): number {
  try {
    const fd = openToAppend(path);
    const stat = fstatSync(fd);
    // A device, such as /dev/null, is where the user wants it to go.
    if (stat.isFile() || stat.isCharacterDevice()) return fd;
    closeSync(fd);
  } catch (error) {
    if (!['ENXIO', 'EISDIR', 'ELOOP'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
  rmSync(`${path}.aside`, { recursive: true, force: true });
  renameSync(path, `${path}.aside`);
  return openToAppend(path);
}

/** For small files only: the event loop waits meanwhile. */
export function readFileNow(path: string, { bytes_max, links }: Reading): Buffer {
  const fd = openFile(path, links);
  try {
    if (fstatSync(fd).size > bytes_max) throw tooLarge(path, bytes_max);
    const buffer = Buffer.allocUnsafe(bytes_max + 1);
    let length = 0;
    for (let got = -1; got !== 0 && length < buffer.length; length += got)
      got = readSync(fd, buffer, length, buffer.length - length, length);
    if (length > bytes_max) throw tooLarge(path, bytes_max);
    return Buffer.from(buffer.subarray(0, length));
  } finally {
    closeSync(fd);
  }
}

/** A small text; null where nothing is. */
export function readIfThere(path: string, bytes_max: number): string | null {
  try {
    return readFileNow(path, { bytes_max }).toString();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** What lies behind `offset`, at most so many bytes of it; nothing beyond its end. For files that grow. */
export function readFromNow(path: string, offset: number, bytes_max: number): Buffer {
  const fd = openFile(path);
  try {
    const { size } = fstatSync(fd);
    const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(size - offset, bytes_max)));
    return buffer.subarray(0, buffer.length === 0 ? 0 : readSync(fd, buffer, 0, buffer.length, offset));
  } finally {
    closeSync(fd);
  }
}

/** Its size; 0 where no regular file is. */
export function sizeNow(path: string): number {
  try {
    const fd = openFile(path);
    try {
      return fstatSync(fd).size;
    } finally {
      closeSync(fd);
    }
  } catch {
    return 0;
  }
}

/** The whole file, read beside the event loop. */
export async function readFileSafely(path: string, { bytes_max, links }: Reading): Promise<Buffer> {
  return await withFile(path, links, async (file, { size }) => {
    if (size > bytes_max) throw tooLarge(path, bytes_max);
    // It may grow meanwhile.
    const bytes = await readUpTo(file, 0, Math.min(size, bytes_max) + 1);
    if (bytes.length > bytes_max) throw tooLarge(path, bytes_max);
    return bytes.length > size ? await readUpTo(file, 0, bytes_max) : bytes;
  });
}

async function withFile<T>(
  path: string,
  links: Reading['links'],
  body: (file: FileHandle, stat: Stats) => Promise<T>,
): Promise<T> {
  const file = await promises.open(path, flags(links));
  try {
    const stat = await file.stat();
    requireFile(path, stat);
    return await body(file, stat);
  } finally {
    await file.close();
  }
}

async function readUpTo(file: FileHandle, offset: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(bytes);
  let length = 0;
  while (length < bytes) {
    const { bytesRead } = await file.read(buffer, length, bytes - length, offset + length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}
