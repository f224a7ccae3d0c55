/**
 * Carries out generated cases through the tools of the memory alone: agents in runs that store, search and forget, with a
 * clock that a case moves. A case is data, so that another memory can be given the same one.
 */
import fs from 'node:fs';
import { caller, clientCaller, Rig, tempDir } from '../../../mcp-tools/rig.ts';
import { VirtualClock } from '../../../support/clock.ts';

/** `as`: what later steps call it. `run`: which run of which agent does it; its own ones by default. */
export type Step =
  | {
      do: 'store';
      as: string;
      text: string;
      key?: string;
      scope?: 'agent' | 'fleet';
      /** Absent: the writer says nothing. */
      from?: string[];
      supersedes?: string[];
      contradicts?: string[];
      expires?: string;
      run?: string;
    }
  | { do: 'search'; query: string; run?: string }
  | { do: 'forget'; what: string; run?: string }
  | { do: 'wait'; ms: number }
  | { do: 'restart' };

export interface Check {
  of: string;
  /** A search that finds it where it is to be found. */
  query: string;
  state: 'live' | 'stale' | 'marked' | 'superseded' | 'expired' | 'forgotten' | 'contradicted';
  run?: string;
}

export interface Case {
  name: string;
  steps: Step[];
  checks: Check[];
}

export interface Outcome {
  check: Check;
  is: string;
  holds: boolean;
}

/** A memory that cases are carried out on. */
export interface Subject {
  /** Of an empty memory. @returns for each check: what was expected and what is */
  carriedOut(one: Case): Promise<Outcome[]>;
  /** An empty memory that is told these. */
  notes(texts: readonly string[]): Promise<Notes>;
}

export interface Notes {
  /** Best first. `certain` false: it is said that nothing certain was found. */
  search(query: string): Promise<{ texts: string[]; certain: boolean }>;
  close(): Promise<void>;
}

type Answer = {
  memories: { id: string; text: string; state: string; contradictedBy?: { id: string }[] }[];
};

/** A case, in a state directory of its own. @returns for each check: what was expected and what is */
export async function carriedOut({ steps, checks }: Case): Promise<Outcome[]> {
  const world = new World();
  try {
    for (const step of steps) await world.step(step);
    const results = [];
    for (const check of checks) {
      const is = await world.stateOf(check);
      results.push({ check, is, holds: fits(check.state, is) });
    }
    return results;
  } finally {
    await world.close();
  }
}

/** What was stored by one client, and what it finds. */
async function notesOf(texts: readonly string[]): Promise<Notes> {
  const rig = new Rig(tempDir());
  const by = () => clientCaller('suite');
  for (const text of texts) await rig.call('aether_memory_store', by(), { text });
  return {
    async search(query) {
      const { memories, note = '' } = await rig.call('aether_memory_search', by(), { query });
      const found = memories.map(({ text }: { text: string }) => text);
      return { texts: found, certain: !note.includes('Nothing certain') };
    },
    async close() {
      await rig.close();
      fs.rmSync(rig.dir, { recursive: true });
    },
  };
}

export const ours: Subject = { carriedOut, notes: notesOf };

export const fits = (expected: Check['state'], is: string): boolean =>
  expected === 'marked' ? is === 'stale' || is === 'possibly_stale' : expected === is;

class World {
  readonly #clock = new VirtualClock();
  readonly #dir = tempDir();
  readonly #ids = new Map<string, string>();
  #rig = new Rig(this.#dir, { clock: this.#clock });

  async step(step: Step): Promise<void> {
    switch (step.do) {
      case 'store': {
        const { do: _do, as, run, from, supersedes, contradicts, ...rest } = step;
        const links = {
          ...(from === undefined ? {} : { derived_from: from.map(this.#id) }),
          ...(supersedes === undefined ? {} : { supersedes: supersedes.map(this.#id) }),
          ...(contradicts === undefined ? {} : { contradicts: contradicts.map(this.#id) }),
        };
        const { memory } = await this.#call('aether_memory_store', run, { ...rest, ...links });
        this.#ids.set(as, memory.id);
        return;
      }
      case 'search':
        await this.#call('aether_memory_search', step.run, { query: step.query });
        return;
      case 'forget':
        await this.#call('aether_memory_forget', step.run, { id: this.#id(step.what) });
        return;
      case 'wait':
        this.#clock.advance(step.ms);
        return;
      case 'restart':
        await this.#rig.close();
        this.#rig = new Rig(this.#dir, { clock: this.#clock });
    }
  }

  /** As a reader who searches for it sees it, with the states that have to be asked for. */
  async stateOf({ of, query, run }: Check): Promise<string> {
    const id = this.#id(of);
    const usual: Answer = await this.#call('aether_memory_search', run, { query, limit: 50 });
    const all: Answer = await this.#call('aether_memory_search', run, { query, limit: 50, state: 'all' });
    const found = all.memories.find((one) => one.id === id);
    if (found === undefined) return 'forgotten';
    const shown = usual.memories.findIndex((one) => one.id === id);
    if (found.state === 'superseded' || found.state === 'expired')
      return shown < 0 ? found.state : `${found.state}, and shown`;
    if (shown < 0) return `${found.state}, and not shown`;
    const later = usual.memories.slice(shown + 1).some((one) => one.state === 'live');
    if (found.state === 'stale' && shown === 0 && later) return 'stale, and before what is live';
    return (found.contradictedBy ?? []).length > 0 ? 'contradicted' : found.state;
  }

  async close(): Promise<void> {
    await this.#rig.close();
    fs.rmSync(this.#dir, { recursive: true });
  }

  readonly #id = (name: string): string => {
    const id = this.#ids.get(name);
    if (id === undefined) throw new Error(`no memory is called ${name}`);
    return id;
  };

  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever came
  #call(tool: string, run = 'ada 1', args: object): Promise<any> {
    const agent = run.split(' ')[0]!;
    return this.#rig.call(
      tool,
      caller({ principal: `agent:${agent}`, agent, run: `run_${run.replace(' ', '_')}` }),
      args,
    );
  }
}
