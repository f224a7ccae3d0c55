/**
 * Inside the gateway: it goes by the configuration that it was started with. It would watch the file and take up what is
 * written there, `reload` and the list of plugins included, and without a sandbox an agent can write it: the gate would be
 * left out.
 */
import { EventEmitter } from 'node:events';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { dirname, resolve } from 'node:path';

/** A watcher that tells of nothing. */
class Inert extends EventEmitter {
  close(): void {
    this.emit('close');
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
}

type Watch = (path: unknown, ...rest: unknown[]) => unknown;

/** @param file watchers of it, and of the directory that it lies in, hear nothing from now on */
export function leaveUnwatched(file: string): void {
  const places = [resolve(file), dirname(resolve(file))];
  const patched = fs as unknown as { watch: Watch; watchFile: Watch };
  for (const name of ['watch', 'watchFile'] as const) {
    const real = patched[name];
    patched[name] = (path, ...rest) =>
      typeof path === 'string' && places.includes(resolve(path)) ? new Inert() : real(path, ...rest);
  }
  // For those that have imported it by name.
  syncBuiltinESMExports();
}
