/** Which of what is remembered is given to an agent unasked: the best few for its words, then what is pinned or newest. */
import type { Actor, MemoryView, Principal } from '../../api.ts';
import type { FoundMemories, Memory } from '../../memory/memory.ts';
import { isOperator } from '../../principals.ts';

/** Of each search: more than are shown, since some are passed over. */
const FOUND_MAX = 30;

export interface Choice {
  memories: MemoryView[];
  /** Whose memories were found and left out: following their words would take rights from the agent. */
  others: Principal[];
}

/**
 * @param words what the agent is about to do; empty: not known
 * @param followable an agent that reads this sender's words keeps all that it may do
 */
export async function chosen(
  memory: Pick<Memory, 'searchApart'>,
  reader: Actor,
  words: string,
  followable: (sender: Principal) => boolean,
): Promise<Choice> {
  const search = async (query: string): Promise<FoundMemories['memories']> =>
    (await memory.searchApart(reader, { query, limit: FOUND_MAX })).memories;
  const fitting = words.trim() === '' ? [] : await search(words);
  const newest = await search('*');
  const pinned = newest.filter((each) => each.pinned);
  const rest = fitting.length > 0 ? [] : newest.filter((each) => each.importance > 0);
  const all = new Map([...pinned, ...fitting, ...rest].map((each) => [each.id, each]));
  const usable = [...all.values()].filter(({ state }) => state === 'live' || state === 'possibly_stale');
  const others = new Set<Principal>();
  const memories = usable.filter(({ author, via = [] }) => {
    const unfit = [author, ...via].filter(
      (sender) => !isTrusted(sender, reader.principal) && !followable(sender),
    );
    for (const sender of unfit) others.add(sender);
    return unfit.length === 0;
  });
  return { memories, others: [...others] };
}

const isTrusted = (sender: Principal, reader: Principal): boolean =>
  sender === reader || sender === 'host' || isOperator(sender);
