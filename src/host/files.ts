/**
 * Reading files that somebody else may have put there: an agent can replace any file in a place it writes by a
 * pipe that blocks whoever opens it, a link to another file, a device without end or a sparse file of 10 GB. Here a
 * file is opened without waiting, is a regular file when looked at through the open descriptor, and is read up to a
 * limit. Without any package behind it, so that small programs may use it.
 */
import { closeSync, constants, fstatSync, openSync, type Stats } from 'node:fs';

/**
 * Links are refused in the last part of the path, unless it lies in a place that belongs to the user, who may keep
 * their files elsewhere.
 */
type Links = 'followed' | undefined;

/** Codes beside those of the system. */
type FileProblem = 'not-a-file';

class UnsuitableFile extends Error {
  readonly code: FileProblem;

  constructor(code: FileProblem, message: string) {
    super(message);
    this.code = code;
  }
}

const flags = (links: Links): number =>
  constants.O_RDONLY |
  // Without it, opening a pipe waits for a writer.
  constants.O_NONBLOCK |
  constants.O_NOCTTY |
  (links === 'followed' ? 0 : constants.O_NOFOLLOW);

function requireFile(path: string, stat: Stats): void {
  if (!stat.isFile()) throw new UnsuitableFile('not-a-file', `${path} is not a regular file`);
}

/**
 * The descriptor of a regular file, to be closed by the caller.
 * @param access more of open(2)'s flags, such as O_RDWR
 */
export function openFile(path: string, links?: Links, access = 0): number {
  const fd = openSync(path, flags(links) | access);
  try {
    requireFile(path, fstatSync(fd));
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}
