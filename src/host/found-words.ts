/** How a search of memories is explained, in the same words to agents and to people. Pure. */

/** Why a memory was found. */
export interface FoundBy {
  /** Words of the query that it holds, as they were asked. */
  words: readonly string[];
  /** Those that only its neighbours in a conversation hold. */
  around: readonly string[];
  missing: readonly string[];
  /** It was said by a person whom the query names; at a date which it names. */
  speaker: boolean;
  date: boolean;
  /** It is near in meaning, by an embedding model. */
  meaning?: boolean;
}

export function foundBy({ words, around, missing, speaker, date, meaning = false }: FoundBy): string {
  const parts = [
    words.length === 0 ? null : `has ${words.join(', ')}`,
    around.length === 0 ? null : `said near ${around.join(', ')}`,
    speaker ? 'said by whom you name' : null,
    date ? 'of that date' : null,
    meaning ? 'near in meaning' : null,
    missing.length === 0 ? null : `lacks ${missing.join(', ')}`,
  ];
  return parts.filter((part) => part !== null).join('; ') || 'one of the newest';
}

export interface SearchFacts {
  /** How many match, shown or not. */
  total: number;
  /** On this page. */
  shown: number;
  /** False: nothing that was found answers the query for certain. */
  certain: boolean;
  readAs: readonly { asked: string; as: string }[];
  phraseMissing: boolean;
  unread: number;
  /** What is to be said of the search by meaning. */
  meant?: string | null;
}

/** What must be known before the results are believed, a sentence each; the first says how good the answer is. */
export function searchNotes({
  total,
  shown,
  certain,
  readAs,
  phraseMissing,
  unread,
  meant = null,
}: SearchFacts): string[] {
  const first =
    total === 0
      ? ['No memory matches. Try other words for the same thing, fewer filters, or "*" for the newest.']
      : !certain && shown > 0
        ? ['Nothing certain; nearest:']
        : [];
  return [
    ...first,
    ...readAs.map(({ asked, as }) => `No memory has "${asked}": read as "${as}".`),
    ...(phraseMissing ? ['No memory has the words in quotes as they stand: found by the words.'] : []),
    ...(unread > 0 ? [`${unread} older memories are not searched yet: their index is being made.`] : []),
    ...(meant === null ? [] : [meant]),
  ];
}
