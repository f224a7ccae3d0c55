/**
 * Where a text stands in a stored value: as it is, or escaped as JSON once or several times over (a text in an argument
 * of a call in an event), whole or cut off at one end. What is found can be taken out without parsing the value: it ends
 * between escapes.
 */

/** Enough of the beginning or the end of a text to know it by. */
const ANCHOR_CHARS = 40;
/** What is found of a longer text is no chance from so many characters on. */
const PART_CHARS_MIN = 24;
/** A shorter text counts only where it is a whole string of JSON. */
const LOOSE_CHARS_MIN = 12;
const ESCAPED_MAX = 3;

/** Characters of the value: from the first to the one after the last. */
export type Span = [from: number, to: number];

export class TextTraces {
  readonly #forms: string[];
  readonly #short: boolean;

  /** @param whole only where it is a whole string of JSON, and no name of a field */
  constructor(text: string, whole = text.length < LOOSE_CHARS_MIN) {
    this.#short = whole;
    this.#forms = formsOf(text);
  }

  /** A value that holds none of these holds no trace. */
  get anchors(): string[] {
    if (this.#short) return [...new Set(this.#forms)];
    return [...new Set(this.#forms.flatMap((form) => [headOf(form), tailOf(form)]))];
  }

  spansIn(value: string): Span[] {
    const spans = this.#forms.flatMap((form) =>
      this.#short ? quoted(value, form) : [...forwards(value, form), ...backwards(value, form)],
    );
    return merged(spans);
  }
}

export const FORGOTTEN = '[forgotten]';

/** @returns the value with something else at the spans, as long as before: other places in it stay true */
export function without(value: string, spans: readonly Span[]): string {
  let at = 0;
  let kept = '';
  for (const [from, to] of spans) {
    const chars = to - from;
    const mark = chars < FORGOTTEN.length ? '.'.repeat(chars) : FORGOTTEN.padEnd(chars);
    kept += value.slice(at, from) + mark;
    at = to;
  }
  return kept + value.slice(at);
}

function formsOf(text: string): string[] {
  const forms = new Set([text]);
  let plain = text;
  let ascii = text;
  for (let n = 0; n < ESCAPED_MAX; n += 1) {
    plain = JSON.stringify(plain).slice(1, -1);
    ascii = JSON.stringify(ascii)
      .slice(1, -1)
      .replace(/[^\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
    forms.add(plain).add(ascii);
  }
  return [...forms];
}

const headOf = (form: string): string => form.slice(0, ANCHOR_CHARS);
const tailOf = (form: string): string => form.slice(-ANCHOR_CHARS);

function* placesOf(value: string, part: string): Generator<number> {
  for (let at = value.indexOf(part); at >= 0; at = value.indexOf(part, at + 1)) yield at;
}

function forwards(value: string, form: string): Span[] {
  const spans: Span[] = [];
  for (const from of placesOf(value, headOf(form))) {
    let length = Math.min(ANCHOR_CHARS, form.length);
    while (length < form.length && value[from + length] === form[length]) length += 1;
    if (length < form.length) length = beforeEscape(form, length);
    if (length === form.length || length >= PART_CHARS_MIN) spans.push([from, from + length]);
  }
  return spans;
}

function backwards(value: string, form: string): Span[] {
  if (form.length <= ANCHOR_CHARS) return []; // found forwards
  const spans: Span[] = [];
  for (const place of placesOf(value, tailOf(form))) {
    const to = place + ANCHOR_CHARS;
    let start = form.length - ANCHOR_CHARS;
    while (start > 0 && value[to - (form.length - start) - 1] === form[start - 1]) start -= 1;
    while (start > 0 && start < form.length && cutsEscape(form, start)) start += 1;
    spans.push([to - (form.length - start), to]);
  }
  return spans;
}

/** A string of JSON ends here, which is no name of a field. */
const ENDS = /^\\*"(?!\s*:)/;

/** As a whole string of JSON, escaped or not. */
function quoted(value: string, form: string): Span[] {
  const spans: Span[] = [];
  for (const from of placesOf(value, form)) {
    const to = from + form.length;
    if (value === form || (value[from - 1] === '"' && ENDS.test(value.slice(to, to + 16))))
      spans.push([from, to]);
  }
  return spans;
}

/** The place at or before `length` that is in the middle of no escape and no pair. */
function beforeEscape(form: string, length: number): number {
  let at = length;
  while (at > 0 && cutsEscape(form, at)) at -= 1;
  return at;
}

/** `at` is in the middle of an escape such as \n or \u00e9, of several backslashes, or of a surrogate pair. */
function cutsEscape(form: string, at: number): boolean {
  const before = form.slice(Math.max(0, at - 12), at);
  return /\\$|\\u[0-9a-f]{0,3}$|[\ud800-\udbff]$/i.test(before);
}

function merged(spans: Span[]): Span[] {
  const sorted = spans.sort((a, b) => a[0] - b[0] || b[1] - a[1]);
  const all: Span[] = [];
  for (const [from, to] of sorted) {
    const last = all.at(-1);
    if (last !== undefined && from < last[1]) last[1] = Math.max(last[1], to);
    else all.push([from, to]);
  }
  return all;
}
