/**
 * Which files of a workspace changed since a moment, for an agent that was away. A large workspace is searched for a
 * bounded time, in steps that leave the host's event loop free. Never follows links, never opens a file.
 */
import fs from 'node:fs/promises';
import path from 'node:path';
import type { AgentView } from '../api.ts';

const NAMED_MAX = 40;
/** Names kept on the way, of which the first are named at the end. */
const KEPT_MAX = 10 * NAMED_MAX;
/** Files asked about at once: enough to keep the file system busy, few enough for others to be served in between. */
const AT_ONCE = 64;
const LOOK_MS_MAX = 3_000;
const SKIPPED = new Set(['.git', 'node_modules', '.aether']);

/**
 * @param limit_ms then it answers with what was found until then, also where a file system does not answer at all
 * @returns paths relative to the workspace, at most 40; then, in words, what else there is
 */
export async function changedFiles(
  workspace: string,
  since_ms: number,
  limit_ms = LOOK_MS_MAX,
): Promise<string[]> {
  const search = new Search(workspace, since_ms);
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, limit_ms);
  await Promise.race([search.run(), late.promise]);
  clearTimeout(timer);
  return search.end();
}

class Search {
  readonly #workspace: string;
  readonly #since_ms: number;
  /** Directories that are still to be looked at. */
  readonly #waiting = [''];
  #names: string[] = [];
  #count = 0;
  #complete = false;
  #over = false;

  constructor(workspace: string, since_ms: number) {
    this.#workspace = workspace;
    this.#since_ms = since_ms;
  }

  async run(): Promise<void> {
    for (let next = this.#waiting.pop(); next !== undefined && !this.#over; next = this.#waiting.pop())
      await this.#directory(next).catch(notThere);
    this.#complete = !this.#over;
  }

  /** Nothing is looked at any more. */
  end(): string[] {
    this.#over = true;
    this.#keep(NAMED_MAX);
    const told = [...this.#names];
    if (this.#count > told.length) told.push(`and ${this.#count - told.length} more`);
    if (!this.#complete)
      told.push('and perhaps others: the workspace is large, and not all of it was looked at');
    return told;
  }

  async #directory(relative: string): Promise<void> {
    let batch: string[] = [];
    // In portions: a single directory can hold more than one answer should.
    for await (const entry of await fs.opendir(path.join(this.#workspace, relative), {
      bufferSize: AT_ONCE,
    })) {
      if (this.#over) return;
      const name = path.join(relative, entry.name);
      if (!entry.isDirectory()) batch.push(name);
      else if (!SKIPPED.has(entry.name)) this.#waiting.push(name);
      if (batch.length < AT_ONCE) continue;
      await this.#files(batch);
      batch = [];
    }
    await this.#files(batch);
  }

  async #files(names: string[]): Promise<void> {
    const stats = await Promise.all(
      names.map((name) => fs.lstat(path.join(this.#workspace, name)).catch(notThere)),
    );
    if (this.#over) return;
    for (const [index, stat] of stats.entries()) {
      if (!stat || Math.max(stat.mtimeMs, stat.ctimeMs) < this.#since_ms) continue;
      this.#count += 1;
      this.#names.push(names[index]!);
    }
    if (this.#names.length > KEPT_MAX) this.#keep(NAMED_MAX);
  }

  #keep(count: number): void {
    this.#names = this.#names.sort().slice(0, count);
  }
}

/** It vanished, or is not ours to read: then it is not a change that we can name. */
function notThere(error: NodeJS.ErrnoException): null {
  if (typeof error.code === 'string') return null;
  throw error;
}

/** What the agent would be told has changed if it went on now; null while nothing keeps it from going on. */
export async function changesMeanwhile(
  view: Pick<AgentView, 'workspace' | 'lease' | 'hold' | 'activity' | 'activityEvidence'>,
): Promise<{ since_ms: number; files: string[] } | null> {
  const since = [
    view.lease?.phase === 'pending' ? null : view.lease?.since_ms,
    view.hold?.held_ms,
    view.activity === 'paused' ? view.activityEvidence?.at_ms : null,
  ].filter((at_ms) => at_ms !== null && at_ms !== undefined);
  if (since.length === 0) return null;
  const since_ms = Math.min(...since);
  return { since_ms, files: await changedFiles(view.workspace, since_ms) };
}
