/** What a state directory takes on the disk, and how much the disk has left. Reads only; needs no host. */
import fs from 'node:fs/promises';
import path from 'node:path';

const UNSEEN = new Set(['ENOENT', 'EACCES', 'EPERM', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG']);

/** Bytes the disk gives for them, holes left out. */
export interface DiskUse {
  /** Journals and files of runs. */
  runs: number;
  runCount: number;
  /** The database with its log. */
  database: number;
  /** What agents keep from run to run: conversations, homes. */
  agents: number;
  /** Host logs and what else is there. */
  other: number;
  free: number;
}

/** @throws the system's error when the directory is not there */
export async function diskUse(stateDir: string): Promise<DiskUse> {
  const { bavail, bsize } = await fs.statfs(stateDir);
  const use: DiskUse = { runs: 0, runCount: 0, database: 0, agents: 0, other: 0, free: bavail * bsize };
  for (const entry of await fs.readdir(stateDir, { withFileTypes: true })) {
    const here = path.join(stateDir, entry.name);
    const bytes = await directoryBytes(here);
    if (entry.name === 'runs') {
      use.runs = bytes;
      use.runCount = (await fs.readdir(here)).length;
    } else if (entry.name === 'agents') use.agents = bytes;
    else if (entry.name.startsWith('aether.db')) use.database += bytes;
    else use.other += bytes;
  }
  return use;
}

/** Of a file, or of everything below a directory; links are not followed, and what vanishes meanwhile is nothing. */
export async function directoryBytes(place: string): Promise<number> {
  const stat = await fs.lstat(place).catch(nothing);
  if (stat === null) return 0;
  let bytes = stat.blocks * 512;
  if (!stat.isDirectory()) return bytes;
  for (const name of (await fs.readdir(place).catch(nothing)) ?? [])
    bytes += await directoryBytes(path.join(place, name));
  return bytes;
}

function nothing(error: NodeJS.ErrnoException): null {
  // What cannot be looked at is not counted: it vanished, is not ours, or lies deeper than a path can say.
  if (error.code !== undefined && UNSEEN.has(error.code)) return null;
  throw error;
}
