/**
 * What a box shows, in the order in which it is mounted: what lies deeper comes later and decides. Paths are the same
 * inside and outside.
 */
import { dirname } from 'node:path';
import type { BoxSpec } from '../store/run-sandbox.ts';

/** Programs and libraries. A store that is not there is left out. */
export const USR = '/usr';
export const STORES = ['/nix/store', '/gnu/store'];
/** On most systems links into /usr. */
export const MERGED = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];
/** What every box shows, read-only. */
export const SYSTEM = [USR, ...STORES, ...MERGED];

export interface Mount {
  path: string;
  how: 'read' | 'write' | 'hide';
}

/** True when `path` is `top` or below it. */
export function within(path: string, top: string): boolean {
  return path === top || top === '/' || path.startsWith(`${top}/`);
}

export function mountsOf(spec: BoxSpec): Mount[] {
  const how = new Map<string, Mount['how']>();
  for (const path of spec.read) how.set(path, 'read');
  for (const path of spec.write) how.set(path, 'write');
  const shown = [...how.keys(), ...SYSTEM];
  // What nothing shows needs no cover.
  for (const path of spec.hidden ?? []) if (shown.some((top) => within(path, top))) how.set(path, 'hide');
  for (const path of [...how.keys()]) if (shownAlready(path, how)) how.delete(path);
  for (const path of [...how.keys()])
    for (const held of heldAbove(path, how)) if (!how.has(held)) how.set(held, 'write');
  return [...how].map(([path, kind]) => ({ path, how: kind })).sort((a, b) => depth(a.path) - depth(b.path));
}

/**
 * True for a path to read in a directory to read: it is there with that. Mounted once more it fails where it is a link,
 * because its place is then where the link leads, and that is elsewhere or nowhere in the box.
 */
function shownAlready(path: string, how: ReadonlyMap<string, Mount['how']>): boolean {
  if (how.get(path) !== 'read') return false;
  for (let at = dirname(path); at !== dirname(at); at = dirname(at)) {
    const decides = how.get(at);
    if (decides !== undefined) return decides === 'read';
  }
  return false;
}

/**
 * The directories between a writable one and a path in it that is not. Each is mounted on itself: a directory that
 * only holds a mount could be renamed, and another put in its place.
 */
function heldAbove(path: string, how: ReadonlyMap<string, Mount['how']>): string[] {
  const above: string[] = [];
  for (let at = dirname(path); at !== dirname(at); at = dirname(at)) {
    const decides = how.get(at);
    if (decides === 'write') return how.get(path) === 'write' ? [] : above;
    if (decides !== undefined) return [];
    above.push(at);
  }
  return [];
}

/** True when a box with these mounts shows what is at the path outside. */
export function shows(mounts: readonly Mount[], path: string): boolean {
  const last = mounts.findLast((mount) => within(path, mount.path));
  return last === undefined ? SYSTEM.some((top) => within(path, top)) : last.how !== 'hide';
}

const depth = (path: string): number => path.split('/').length;
