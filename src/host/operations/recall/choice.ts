/**
 * Which of what is remembered is given to an agent unasked: what is pinned, the best few for its words, and the newest
 * where nothing fits them. How its runs went is found by searching: that repeats their goals, which are over.
 */
import type { Actor, MemoryView, Principal } from '../../api.ts';
import type { Memory } from '../../memory/memory.ts';
import { isOperator } from '../../principals.ts';
import { EPISODE } from './episode.ts';

/** Of each search: more than are shown, since some are passed over. */
const FOUND_MAX = 30;

export interface Choice {
  memories: MemoryView[];
  /** Whose memories were found and left out: following their words would take rights from the agent. */
  others: Principal[];
}

/**
 * @param about what the agent is to do, in its own words, the most telling text first
 * @param known ids of what it has before it already
 * @param followable an agent that reads this sender's words keeps all that it may do
 */
export async function chosen(
  memory: Pick<Memory, 'searchApart' | 'pinned'>,
  reader: Actor,
  about: readonly string[],
  followable: (sender: Principal) => boolean,
  known: ReadonlySet<string> = new Set(),
): Promise<Choice> {
  const fits = (each: MemoryView): boolean =>
    (each.state === 'live' || each.state === 'possibly_stale') && !isEpisode(each) && !known.has(each.id);
  const search = async (query: string): Promise<MemoryView[]> =>
    (await memory.searchApart(reader, { query, limit: FOUND_MAX })).memories.filter(fits);
  const fitting: MemoryView[] = [];
  for (const text of new Set(about.map(plainWords))) if (text !== '') fitting.push(...(await search(text)));
  const rest = fitting.length > 0 ? [] : (await search('*')).filter((each) => each.importance > 0);
  const pinned = memory.pinned(reader).filter(fits);
  const usable = [...new Map([...pinned, ...fitting, ...rest].map((each) => [each.id, each])).values()];
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

/** What is quoted in a message is no phrase that a memory has to hold. */
const plainWords = (text: string): string => text.replace(/["“”„«»‘’`]/g, ' ').trim();

const isEpisode = ({ author, tags }: MemoryView): boolean => author === 'host' && tags.includes(EPISODE);

const isTrusted = (sender: Principal, reader: Principal): boolean =>
  sender === reader || sender === 'host' || isOperator(sender);
