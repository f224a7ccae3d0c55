/**
 * Tells at once when a place that boxes keep was replaced. What is watched is the place itself and not the directory
 * that holds it: no process in a box can touch what it shows read-only, so none can flood the host with notices. The
 * rest is left to the look every few seconds: what this cannot see (a directory above was replaced, the kernel gives no
 * more watches), and what was removed, because a place that is made again at once keeps `rm -r` from ending.
 */
import { type FSWatcher, lstatSync, watch } from 'node:fs';
import { identityOf } from './cover-config.ts';

export class KeptWatch {
  readonly #watched = new Map<string, FSWatcher | null>();
  readonly #cover: (place: string) => Promise<void>;

  /** @param cover what is to be done of a place that has changed; it does not fail */
  constructor(cover: (place: string) => Promise<void>) {
    this.#cover = cover;
  }

  /** From now on these, and no others. */
  follow(places: ReadonlySet<string>): void {
    for (const place of this.#watched.keys()) if (!places.has(place)) this.#leave(place);
    for (const place of places) if (!this.#watched.has(place)) this.#watch(place, identityOf(place));
  }

  close(): void {
    this.follow(new Set());
  }

  /** @param was what stood there when it was looked at */
  #watch(place: string, was: string): void {
    let watcher: FSWatcher;
    try {
      // A second name of the file could lie where a process in a box can write.
      const stat = lstatSync(place);
      if (!stat.isDirectory() && (!stat.isFile() || stat.nlink !== 1)) return;
      watcher = watch(place, { persistent: false });
    } catch {
      return; // it is not there, or there are no more watches
    }
    this.#watched.set(place, watcher);
    const look = () => {
      if (this.#watched.get(place) !== watcher) return;
      const now = identityOf(place);
      if (now === 'none') this.#leave(place);
      else if (now !== was) void this.#coverAnew(place, now);
    };
    watcher.on('change', look);
    watcher.on('error', () => this.#leave(place));
    look();
  }

  async #coverAnew(place: string, now: string): Promise<void> {
    this.#watched.get(place)?.close();
    // Held, so that it is not watched a second time meanwhile.
    this.#watched.set(place, null);
    await this.#cover(place);
    if (this.#watched.get(place) !== null) return; // no run needs it any more
    this.#watched.delete(place);
    this.#watch(place, now);
  }

  #leave(place: string): void {
    this.#watched.get(place)?.close();
    this.#watched.delete(place);
  }
}
