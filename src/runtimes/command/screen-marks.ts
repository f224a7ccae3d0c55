/**
 * What the output of a terminal program shows: whether it takes a paste as one, and which words of an adapter are on
 * its screen. No screen is kept here: sequences and words are followed as they pass, chunk by chunk.
 */
import type { Adapter } from './adapter.ts';
import { MARK_CHARS_MAX } from './adapter-record.ts';

/** Kept in the engine's state: plain JSON. */
export interface Followed {
  /** It takes pastes as one (bracketed paste, DEC mode 2004), and ever has. */
  paste: boolean;
  pasted: boolean;
  /** The newest word of its adapter; null: none so far. `prompted`: `ready` was among them. */
  mark: 'ready' | 'busy' | 'asks' | null;
  prompted: boolean;
  /** An escape sequence that is not whole yet, and the end of the text without any. */
  rest: string;
  tail: string;
}

export const NOTHING_FOLLOWED: Followed = {
  paste: false,
  pasted: false,
  mark: null,
  prompted: false,
  rest: '',
  tail: '',
};

const TAIL_CHARS = MARK_CHARS_MAX;
/** No sequence that counts here is longer. */
const REST_CHARS_MAX = 64;

/** @param adapter null: only the paste mode is followed */
export function follow(before: Followed, printed: string, adapter: Adapter | null): Followed {
  const text = before.rest + printed;
  const paste = pasteAfter(text, before.paste);
  const rest = unfinished(text);
  const after = { ...before, paste, pasted: before.pasted || paste, rest };
  if (adapter === null) return after;
  const shown = before.tail + wordsOf(text.substring(0, text.length - rest.length));
  const mark = markAfter(shown, before.mark, adapter);
  const prompted = before.prompted || mark === 'ready' || (adapter.marks.ready === null && paste);
  return { ...after, mark, prompted, tail: lastChars(shown) };
}

function pasteAfter(text: string, before: boolean): boolean {
  // A flood that holds neither is looked through at the speed of a search.
  if (!text.includes('2004') && !text.includes('\x1bc')) return before;
  let on = before;
  for (const [whole, modes, how] of text.matchAll(/\x1b\[\?([\d;]*)([hl])|\x1bc/g)) {
    if (whole === '\x1bc') on = false;
    else if (modes!.split(';').includes('2004')) on = how === 'h';
  }
  return on;
}

/** The beginning of a sequence at the end of the text. */
function unfinished(text: string): string {
  const at = text.lastIndexOf('\x1b');
  if (at < 0 || text.length - at > REST_CHARS_MAX) return '';
  const rest = text.substring(at);
  return /^\x1b(?:\[[?>=!]?[\d;]*)?$/.test(rest) ? rest : '';
}

/** Without sequences, titles as [title …]. But for colours, each may move the cursor: what follows is another word. */
function wordsOf(text: string): string {
  return text
    .replace(/\x1b\][02];([^\x07\x1b]*)(?:\x07|\x1b\\)/g, ' [title $1] ')
    .replace(/\x1b[\]P_^X][^\x07\x1b]*(?:\x07|\x1b\\)?/g, '')
    .replace(/\x1b\[[\d;:]*m/g, '')
    .replace(/\x1b\[[0-?]*[ -/]*[@-~]/g, ' ')
    .replace(/\x1b[ -/]*[0-~]|[\x00-\x1f\x7f]/g, ' ')
    .replace(/ +/g, ' ');
}

/** @param before the mark that the text goes on from */
function markAfter(
  text: string,
  before: Followed['mark'],
  { marks, asksUntilReady }: Adapter,
): Followed['mark'] {
  const found = (['ready', 'busy', 'asks'] as const).flatMap((kind) => {
    const words = marks[kind];
    return words === null ? [] : [...text.matchAll(words)].map(({ index }) => ({ kind, index }));
  });
  let mark = before;
  for (const { kind } of found.sort((one, other) => one.index - other.index))
    if (!(mark === 'asks' && kind === 'busy' && asksUntilReady)) mark = kind;
  return mark;
}

const lastChars = (text: string): string =>
  text.length <= TAIL_CHARS ? text : text.substring(text.length - TAIL_CHARS).toWellFormed();
