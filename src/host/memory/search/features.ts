/**
 * What search knows of a text besides its words: who says it and when, where the text itself begins with that, and how
 * likely it states a fact. A statement answers better than a question does; one with a name answers "who", one with a
 * number "how many". Counted once, when a memory is indexed.
 */
import { cutText } from '../../text.ts';
import { folded } from './tokens.ts';

/** "Ada: …", "Ada Lovelace (8 May 2023): …", "[8 May 2023, 10:12] Ada: …": the form of chats and minutes. */
const SAID =
  /^\s*(?:\[([^\]\n]{4,40})\]\s*)?(\p{Lu}[\p{L}\p{M}'’.-]{0,30}(?:\s\p{Lu}[\p{L}\p{M}'’.-]{0,30}){0,2})(?:\s*[,(]\s*([^:()\n]{4,40}\d[^:()\n]{0,10})\)?)?\s*:\s+(?=\S)/u;
/** Words that stand before a colon and name no person. */
const LABELS = new Set(
  'note notes todo fixme warning error fact decision rule reason result summary update goal outcome problem solution answer question example tip hint important remember key value name status cause fix step steps background'.split(
    ' ',
  ),
);
/** Beyond it a text has said what it is about. */
const READ_CHARS_MAX = 4_000;

const TIMES =
  /\b(?:yesterday|today|tonight|tomorrow|last|next|ago|week|weekend|month|year|monday|tuesday|wednesday|thursday|friday|saturday|sunday|january|february|march|april|june|july|august|september|october|november|december|recently|morning|since|just|\d{4})\b/gi;
const FIRST_PERSON = /\b(?:I|[Mm]y|[Mm]e|[Ww]e|[Oo]ur|I'm|I've)\b/g;
const NAMES = /(?<=[\p{Ll},;] )\p{Lu}\p{L}{2,}/gu;
const NUMBER = /\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|couple|twice|once)\b/i;

export interface Said {
  /** Folded; null where the text names none. */
  speaker: string | null;
  /** Days since the epoch; null where the text names none. */
  day: number | null;
  /** The text without that. */
  body: string;
}

export function saidBy(text: string): Said {
  const front = SAID.exec(text);
  if (front === null) return { speaker: null, day: null, body: text };
  const [whole, before, name, after] = front;
  const speaker = folded(name!);
  const time = before ?? after;
  const day = time === undefined ? null : dayIn(time);
  if (LABELS.has(speaker) || (time !== undefined && day === null))
    return { speaker: null, day: null, body: text };
  return { speaker, day, body: text.slice(whole.length) };
}

const DAY_MS = 86_400_000;
export const dayOf = (at_ms: number): number => Math.floor(at_ms / DAY_MS);

const MONTHS = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ');

/** "8 May, 2023", "May 8 2023", "2023-05-08", with a time or without. */
function dayIn(text: string): number | null {
  const iso = /\b((?:19|20)\d\d)-(\d\d)-(\d\d)\b/.exec(text);
  if (iso !== null) return dayFrom(Number(iso[1]), Number(iso[2]) - 1, Number(iso[3]));
  const year = /\b((?:19|20)\d\d)\b/.exec(text)?.[1];
  const month = MONTHS.findIndex((name) => new RegExp(`\\b${name}[a-z]*\\b`, 'i').test(text));
  const day = /\b(\d{1,2})(?:st|nd|rd|th)?\b(?!\s*[:.]\d|\s*[ap]m)/i.exec(
    text.replace(/\d{1,2}:\d\d/g, ''),
  )?.[1];
  if (year === undefined || month === -1 || day === undefined) return null;
  return dayFrom(Number(year), month, Number(day));
}

function dayFrom(year: number, month: number, day: number): number | null {
  const at_ms = Date.UTC(year, month, day);
  return Number.isNaN(at_ms) || day > 31 ? null : dayOf(at_ms);
}

export interface Cues {
  /** 0 to 1: how much of it asks. */
  questions: number;
  /** 0 to 1. */
  firstPerson: number;
  times: number;
  names: number;
  number: boolean;
}

export function cuesOf(body: string): Cues {
  const text = cutText(body, { chars_max: READ_CHARS_MAX });
  return {
    questions: Math.min(1, count(text, /\?/g) / Math.max(1, count(text, /[.!?]+/g))),
    firstPerson: Math.min(1, count(text, FIRST_PERSON) / 3),
    times: Math.min(1, count(text, TIMES) / 2),
    names: Math.min(1, count(text, NAMES) / 2),
    number: NUMBER.test(text),
  };
}

const count = (text: string, what: RegExp): number => text.match(what)?.length ?? 0;

/** Into two bytes: a quarter is finer than these are known. */
export function packCues({ questions, firstPerson, times, names, number }: Cues): {
  asks: number;
  cues: number;
} {
  const cues =
    Math.round(firstPerson * 3) |
    (Math.round(times * 2) << 2) |
    (Math.round(names * 2) << 4) |
    (number ? 64 : 0);
  return { asks: Math.round(questions * 255), cues };
}

export const cueFirstPerson = (cues: number): number => (cues & 3) / 3;
export const cueTimes = (cues: number): number => ((cues >> 2) & 3) / 2;
export const cueNames = (cues: number): number => ((cues >> 4) & 3) / 2;
export const cueNumber = (cues: number): number => (cues >> 6) & 1;
