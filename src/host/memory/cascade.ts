/**
 * What happens to what rests on a memory that was replaced, has expired or was forgotten: it is marked stale, and so is
 * what rests on that, at once and in one transaction. Over a possible link, or behind one, a memory is only possibly
 * stale. A memory that is marked already is not passed again: what rests on it was marked with it, so cycles end.
 */
import type { MemoryMarks, StaleReason } from '../shapes.ts';
import type { MemoryLinkTable } from '../store/memory-links.ts';
import type { MemoryRecord } from '../store/memory-record.ts';
import type { MemoryRows } from '../store/memory-rows.ts';

/** Ids between a memory and what happened, kept with it: the nearest ones. */
const THROUGH_MAX = 16;

type What = Pick<StaleReason, 'what' | 'at_ms'>;
type Mark = { stale: 'stale' | 'possibly_stale'; why: StaleReason };

export class Cascade {
  readonly #rows: MemoryRows;
  readonly #links: MemoryLinkTable;

  constructor(rows: MemoryRows, links: MemoryLinkTable) {
    this.#rows = rows;
    this.#links = links;
  }

  /**
   * @param sources what happened to them is `what`
   * @param except it is what replaces them, and cannot be stale by that
   */
  mark(sources: readonly string[], what: What, except?: string): MemoryMarks {
    const marked: MemoryMarks = { stale: 0, possibly_stale: 0 };
    const seen = new Set(except === undefined ? sources : [...sources, except]);
    const certain = this.#walk(sources.map(beginning), what, 'derived', seen, marked);
    this.#walk([...sources.map(beginning), ...certain], what, 'possible', seen, marked);
    return marked;
  }

  /**
   * Breadth first. Over `derived` links all that is reached is stale; then over links of both kinds from there, all that
   * is still unmarked is possibly so.
   */
  #walk(
    from: Step[],
    what: What,
    by: 'derived' | 'possible',
    seen: Set<string>,
    marked: MemoryMarks,
  ): Step[] {
    const state = by === 'derived' ? 'stale' : 'possibly_stale';
    const reached: Step[] = [];
    const queue = [...from];
    for (let at = 0; at < queue.length; at += 1) {
      const step = queue[at]!;
      for (const { id, kind, stale } of this.#links.dependants(step.id)) {
        if (seen.has(id) || (by === 'derived' && kind !== 'derived')) continue;
        if (stale === 'stale' || stale === state) continue;
        seen.add(id);
        const next = { id, source: step.source, through: step.through };
        this.#rows.mark(id, state, { source: step.source, ...what, through: next.through });
        const onward = { ...next, through: [id, ...step.through].slice(0, THROUGH_MAX) };
        reached.push(onward);
        queue.push(onward);
        marked[state] += 1;
      }
    }
    return reached;
  }
}

interface Step {
  id: string;
  source: string;
  /** From `id` (the first) to the one next to the source. */
  through: string[];
}

const beginning = (id: string): Step => ({ id, source: id, through: [] });

/**
 * A new memory whose sources are not all true any more is stale from the start.
 * @param declared false: they are only possible ones
 */
export function markOf(sources: readonly MemoryRecord[], declared: boolean): Mark | null {
  let worst: Mark | null = null;
  for (const source of sources) {
    const mark = markBy(source);
    if (mark === null || (worst !== null && (worst.stale === 'stale' || mark.stale !== 'stale'))) continue;
    worst = mark;
  }
  return worst === null || declared ? worst : { ...worst, stale: 'possibly_stale' };
}

function markBy({ id, superseded_ms, expired_ms, stale, stale_why }: MemoryRecord): Mark | null {
  const why = { source: id, through: [] };
  if (superseded_ms !== null)
    return { stale: 'stale', why: { ...why, what: 'superseded', at_ms: superseded_ms } };
  if (expired_ms !== null) return { stale: 'stale', why: { ...why, what: 'expired', at_ms: expired_ms } };
  if (stale === null || stale_why === null) return null;
  return { stale, why: { ...stale_why, through: [id, ...stale_why.through].slice(0, THROUGH_MAX) } };
}
