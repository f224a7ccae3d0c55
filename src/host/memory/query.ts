/**
 * From a typed query to an FTS5 expression that cannot be malformed: only letters and digits survive,
 * each word is quoted, words that every text has are left out, and the rest are joined by OR — a memory that
 * holds most of the words ranks first, and one missing word does not hide the rest.
 */
import { limits } from '../limits.ts';

const STOP_WORDS = new Set(
  `a about above after again all also am an and any are as at be because been before being below between both but
  by can could did do does doing down during each few for from further had has have having he her here hers him his
  how i if in into is it its itself just me more most my no nor not now of off on once only or other our ours out over
  own please s same she should so some such t than that the their theirs them then there these they this those through
  to too under until up us very was we were what when where which while who whom why will with would you your yours`.split(
    /\s+/,
  ),
);

/** Lower-case words of `text`: runs of letters, marks and digits, each once, in order. */
export function wordsOf(text: string): string[] {
  return [...new Set(text.toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu) ?? [])];
}

/**
 * @returns an FTS5 OR expression, or null where `text` holds no word at all. A query of nothing but stop words
 * is searched as it is.
 */
export function matchExpression(text: string): string | null {
  const words = wordsOf(text);
  const telling = words.filter((word) => !STOP_WORDS.has(word));
  const used = (telling.length > 0 ? telling : words).slice(0, limits.memory_query_words_max);
  return used.length === 0 ? null : used.map((word) => `"${word}"`).join(' OR ');
}
