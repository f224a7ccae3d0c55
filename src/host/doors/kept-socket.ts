/**
 * Watches that the socket of a door stays the one that was bound. Without a sandbox another process of the same user can
 * remove it and listen in its place: then the peers that come next would take that process for the host.
 */
import { type FSWatcher, lstatSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';

/** @param lost it was removed, or another is in its place: called once */
export function keepSocket(path: string, lost: () => void): { stop(): void } {
  const bound = identityOf(path);
  let watcher: FSWatcher | null = null;
  const stop = (): void => {
    watcher?.close();
    watcher = null;
  };
  const look = (): void => {
    if (watcher === null || identityOf(path) === bound) return;
    stop();
    lost();
  };
  watcher = watch(dirname(path), { persistent: false }, (_event, name) => {
    if (name === null || name === basename(path)) look();
  });
  // The directory itself has gone: a look says so.
  watcher.on('error', look);
  // It may have been replaced before the watch began.
  look();
  return { stop };
}

/** An inode number is given out again at once; with the time of its change it is not. */
function identityOf(path: string): string | null {
  const stat = lstatSync(path, { throwIfNoEntry: false, bigint: true });
  return stat === undefined ? null : `${stat.dev} ${stat.ino} ${stat.birthtimeNs}`;
}
