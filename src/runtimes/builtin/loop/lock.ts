/**
 * One process per conversation. Two would each append turns that the other never saw. The lock is a file that appears
 * whole (link is atomic and fails when the name exists) and names its owner, so that the lock of a killed process is
 * recognised as stale.
 */
import { linkSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { isAlive, ownIdentity, type ProcessIdentity } from './process-identity.ts';

export class ConversationBusy extends Error {
  constructor(path: string, owner: ProcessIdentity) {
    super(
      `The conversation ${path} is in use by process ${owner.pid}. End that process first, or start the agent with a fresh conversation.`,
    );
  }
}

/** How often a dead lock is cleared away before giving up: each time another process was quicker. */
const ATTEMPTS_MAX = 10;

/**
 * @param path of the lock file
 * @returns release; calling it twice is harmless
 * @throws ConversationBusy while its owner lives
 */
export function takeLock(path: string): () => void {
  const mine = `${path}.${process.pid}`;
  writeFileSync(mine, JSON.stringify(ownIdentity()), { mode: 0o600 });
  try {
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      if (link(mine, path)) return () => rmSync(path, { force: true });
      const found = read(path);
      if (found === null) continue;
      const owner = parse(found);
      if (owner && isAlive(owner)) throw new ConversationBusy(path, owner);
      clear(path, found);
    }
    throw new Error(`The lock ${path} keeps changing hands. Try again.`);
  } finally {
    rmSync(mine, { force: true });
  }
}

function link(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Takes a dead lock away. Between reading and moving it another process may have done the same and put its own
 * lock there: then what was moved is not what was read, and it goes back.
 */
function clear(path: string, dead: string): void {
  const aside = `${path}.${process.pid}.dead`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if (readFileSync(aside, 'utf8') !== dead) link(aside, path);
  unlinkSync(aside);
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function parse(text: string): ProcessIdentity | null {
  try {
    const value = JSON.parse(text) as Partial<ProcessIdentity>;
    return typeof value.pid === 'number' && typeof value.start_ticks === 'number'
      ? { pid: value.pid, start_ticks: value.start_ticks }
      : null;
  } catch {
    return null;
  }
}
