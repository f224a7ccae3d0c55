/**
 * Watches aether.yaml. Editors replace files by rename, tools rewrite whole directories, and network disks send
 * no events: so chokidar's events are only hints to look again, and a slow look at the file's stat stands
 * behind them. What is reported is a change of *meaning*: a loaded Config that differs from the last, or the
 * error of a broken edit.
 */
import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import { type Clock, systemClock } from '../clock.ts';
import { AetherError, messageOf } from '../errors.ts';
import { canonicalJson } from './hash.ts';
import { type LoadOptions, loadConfig } from './load.ts';
import type { Config } from './types.ts';

export interface WatchOptions extends LoadOptions {
  clock?: Clock;
  /** What the host runs with: an edit between its load and this call is not missed. Default: the file as it is now. */
  last?: Config;
  /** Rest after the last event before the file is read: editors write in several steps. */
  settle_ms?: number;
  /** Called at once whenever the file was written or replaced, whether that means anything or not. */
  touched?: () => void;
  /** The slow look. */
  look_ms?: number;
}

export interface ConfigWatch {
  /** Resolves once chokidar watches; a change after it is seen at once. */
  ready: Promise<void>;
  close(): Promise<void>;
}

/**
 * Never throws, whatever happens to the file: `onChange` gets the new Config, or the AetherError of an edit
 * that cannot be used (the caller keeps the last good one). It is not called for edits that mean nothing.
 */
export function watchConfig(
  file: string,
  onChange: (result: Config | AetherError) => void,
  options: WatchOptions = {},
): ConfigWatch {
  const path = resolve(file);
  const clock = options.clock ?? systemClock;
  const settle_ms = options.settle_ms ?? 100;
  const look_ms = options.look_ms ?? 2_000;
  let closed = false;
  let seen = signature(path);
  let last = meaning(options.last ?? load(path, options));
  let cancelSettle = () => {};
  let cancelLook = () => {};

  const check = () => {
    if (closed) return;
    seen = signature(path);
    const result = load(path, options);
    const now = meaning(result);
    if (now === last) return;
    last = now;
    onChange(result);
  };
  const soon = () => {
    if (closed) return;
    options.touched?.();
    cancelSettle();
    cancelSettle = clock.after(settle_ms, check);
  };
  const look = () => {
    cancelLook = clock.after(look_ms, () => {
      if (closed) return;
      const now = signature(path);
      // Only news: what is awaiting its rest already must not wait again for being the same.
      if (now !== seen) soon();
      seen = now;
      look();
    });
  };

  // The directory, not the file: after a rename the old file's watch would be of a file that is gone.
  const watcher: FSWatcher = watch(dirname(path), {
    depth: 0,
    ignoreInitial: true,
    persistent: false,
    ignored: (candidate) => resolve(candidate) !== path && resolve(candidate) !== dirname(path),
  });
  watcher.on('all', soon);
  // What chokidar cannot watch, the slow look still sees.
  watcher.on('error', soon);
  const ready = new Promise<void>((done) => watcher.once('ready', () => done()));
  look();
  if (options.last) soon();
  return {
    ready,
    async close() {
      closed = true;
      cancelSettle();
      cancelLook();
      await watcher.close();
    },
  };
}

function load(file: string, options: LoadOptions): Config | AetherError {
  try {
    return loadConfig(file, options);
  } catch (error) {
    if (error instanceof AetherError) return error;
    return new AetherError(
      {
        code: 'config.unreadable',
        who: 'host',
        message: `${file} could not be loaded: ${messageOf(error)}.`,
        next: 'This is a fault of Aether; the last good configuration stays in force.',
      },
      { cause: error },
    );
  }
}

/** Two results with the same meaning need no action. */
function meaning(result: Config | AetherError): string {
  if (result instanceof AetherError) return `error ${canonicalJson(result.toWire())}`;
  const { positions: _where, ...rest } = result;
  return `config ${canonicalJson(rest)}`;
}

/** Changes whenever the file is written, replaced, removed or comes back. */
function signature(file: string): string {
  try {
    const { ino, size, mtimeMs, ctimeMs } = statSync(file);
    return `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
  } catch (error) {
    return `none ${(error as NodeJS.ErrnoException).code}`;
  }
}
