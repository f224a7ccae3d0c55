/** One memory with all that is known of it, as it is loaded, and what people do with it. */
import { signal } from '@preact/signals';
import type { CuratedMemory, MemoryChange, MemoryStory } from '../../../host/api.ts';
import type { Calls, WireError } from '../../console-protocol.ts';
import { act } from '../state/actions.ts';
import { call, wireOf } from '../state/api.ts';
import { showDone } from '../ui/toasts.tsx';

/** Of those that contradict it, so many are shown with their own sources. */
const OTHERS_MAX = 6;

export class OpenStory {
  readonly id: string;
  readonly story = signal<MemoryStory | null>(null);
  /** Of what contradicts it. */
  readonly others = signal<readonly MemoryStory[]>([]);
  /** What the memories say through which it is stale, by id; those that are forgotten are missing. */
  readonly chain = signal<ReadonlyMap<string, CuratedMemory>>(new Map());
  readonly problem = signal<WireError | null>(null);
  #turn = 0;

  constructor(id: string) {
    this.id = id;
  }

  async load(): Promise<void> {
    this.#turn += 1;
    const turn = this.#turn;
    try {
      const story = await call('memory', { id: this.id });
      const { stale } = story.memory;
      const through = stale === undefined ? [] : [...stale.through.slice(0, OTHERS_MAX), stale.source];
      const [others, chain] = await Promise.all([
        storiesOf(story.contradictedBy.map(({ id }) => id).slice(0, OTHERS_MAX)),
        storiesOf(through),
      ]);
      if (turn !== this.#turn) return;
      this.others.value = others;
      this.chain.value = new Map(chain.map(({ memory }) => [memory.id, memory]));
      this.story.value = story;
      this.problem.value = null;
    } catch (error) {
      if (turn !== this.#turn || wireOf(error).code === 'console.unreachable') return;
      this.problem.value = wireOf(error);
      if (wireOf(error).code === 'memory.unknown') this.story.value = null;
    }
  }
}

/** One that is forgotten meanwhile is left out. */
async function storiesOf(ids: readonly string[]): Promise<MemoryStory[]> {
  const all = await Promise.allSettled(ids.map((id) => call('memory', { id })));
  return all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
}

export async function pin({ id, pinned }: CuratedMemory): Promise<void> {
  const done = await act(`pin ${id}`, () => call('pinMemory', { id, pinned: !pinned }));
  if (done)
    showDone(done.pinned ? 'Pinned: it is given first, and never named for forgetting.' : 'Unpinned.');
}

/** @returns the statement that stands now; null: it was refused, and the operator was told */
export async function restate(id: string): Promise<CuratedMemory | null> {
  const made = await act(`edit ${id}`, () => call('editMemory', { id }));
  if (made) showDone('It stands again, as your word.');
  return made;
}

export type Saved = { made: CuratedMemory } | { conflict: CuratedMemory } | { refused: WireError };

/** Takes the place of the statement `id` and of no other: where another took it before, that one comes back. */
export async function save(id: string, change: MemoryChange): Promise<Saved> {
  try {
    return { made: await call('editMemory', { id, ...change }) };
  } catch (error) {
    const refused = wireOf(error);
    if (refused.code !== 'memory.conflict') return { refused };
    try {
      return { conflict: await standing(id) };
    } catch (later) {
      return { refused: wireOf(later) };
    }
  }
}

const STEPS_MAX = 64;

/** What stands where `id` stood. */
async function standing(id: string): Promise<CuratedMemory> {
  let { memory } = await call('memory', { id });
  for (let step = 0; memory.superseded_by !== null && step < STEPS_MAX; step += 1)
    memory = (await call('memory', { id: memory.superseded_by })).memory;
  return memory;
}

export const forget = (id: string): Promise<Calls['forgetMemory']['output'] | null> =>
  act(`forget ${id}`, () => call('forgetMemory', { id }));

export const redact = (id: string): Promise<{ places: number } | null> =>
  act(`redact ${id}`, () => call('redactMemory', { id }));
