/**
 * From text to the terms that search compares. FTS5's tokenizers cannot be extended from Node, so text is cut here:
 * identifiers and paths are terms as a whole and in their parts, Chinese, Japanese and Korean become pairs of
 * characters, Thai, Lao, Khmer and Burmese are cut by a dictionary, an emoji is a word. The index stores these terms: a
 * change of what this file returns needs a new TERMS_VERSION.
 */
import { stemmer } from 'stemmer';
import { cutText } from '../../text.ts';

/** With the Unicode data of this Node, which cuts Thai: an index of other terms is made again. */
export const TERMS_VERSION = `1/${process.versions.icu ?? ''}/${process.versions.unicode ?? ''}`;

const TERM_CHARS_MAX = 64;
const STEMS_KEPT_MAX = 50_000;

const ASCII = /^[\0-\x7f]*$/;
/** Marks that are written or left out at will: Latin, Greek and Cyrillic accents, Hebrew points, Arabic vowels. */
const LOOSE_MARKS =
  /[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670]/g;
/** Soft hyphen, joiners and direction marks: not seen, and between any two letters. Tatweel only stretches a word. */
const UNSEEN =
  /[\u00ad\u0640\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]|\ufe0f|[\u{1f3fb}-\u{1f3ff}]/gu;
/** Ligatures, letters in circles, full-width and half-width forms. NFKC of everything would take Thai vowels apart. */
const COMPATIBLE =
  /[\u00aa\u00b2\u00b3\u00b5\u00b9\u00ba\u2070-\u209f\u2100-\u214f\u2460-\u24ff\u3300-\u33ff\ufb00-\ufb4f\uff00-\uffef]+/g;

const EMOJI =
  '(?:[\\u{1f1e6}-\\u{1f1ff}]{2}|\\p{Extended_Pictographic}(?:\\u200d\\p{Extended_Pictographic})*)';
/** A run: letters and digits, with single signs between them that names, paths and versions have. */
const RUN = new RegExp(
  `[\\p{L}\\p{M}\\p{N}_$]+(?:[-._/:@'’#+\\\\]{1,3}[\\p{L}\\p{M}\\p{N}_$]+)*|${EMOJI}`,
  'gu',
);
const ASCII_RUN = /[A-Za-z0-9_$]+(?:[-._/:@'#+\\]{1,3}[A-Za-z0-9_$]+)*/g;
const PLAIN = /^[a-z]+$/;
/** Letters of one case, a capital before small ones, digits, letters without case. */
const PART = /\p{Lu}?[\p{Ll}\p{M}]+|\p{Lu}+(?!\p{Ll})|\p{N}+|[\p{Lo}\p{Lm}\p{Lt}\p{M}]+/gu;

const PAIRED =
  '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Hangul}\\p{Script=Bopomofo}々〆ー';
const BY_DICTIONARY = '\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}';
const UNSPACED = new RegExp(`[${PAIRED}${BY_DICTIONARY}]`, 'u');
const SCRIPTS = new RegExp(`([${PAIRED}]+)|([${BY_DICTIONARY}]+)|([^${PAIRED}${BY_DICTIONARY}]+)`, 'gu');
/** Characters that are words by themselves: found alone, too. */
const ALONE = /[\p{Script=Han}\p{Script=Hangul}]/u;

export type Emit = (term: string, surface: string) => void;

/** How a text is compared: composed, without case and without marks that many leave out. */
export function folded(text: string): string {
  return foldMarks(text).toLowerCase();
}

function foldMarks(text: string): string {
  if (ASCII.test(text)) return text;
  return text
    .replace(COMPATIBLE, (found) => found.normalize('NFKC'))
    .normalize('NFD')
    .replace(LOOSE_MARKS, '')
    .replace(UNSEEN, '')
    .normalize('NFC')
    .replaceAll('ß', 'ss')
    .replaceAll('ς', 'σ');
}

const stems = new Map<string, string>();

/** Of small Latin letters; not kept. Porter's y becomes i after a vowel, too, and would keep "deploy" apart from "deployments". */
export const stemmed = (word: string): string => stemmer(word).replace(/(?<=[aeou])i$/, 'y');

/** Of a word as `folded` gives it. Words that are not of Latin letters are their own stems. */
export function stemOf(word: string): string {
  if (word.length < 3 || !PLAIN.test(word)) return word;
  let stem = stems.get(word);
  if (stem === undefined) {
    stem = stemmed(word);
    if (stems.size >= STEMS_KEPT_MAX) stems.clear();
    stems.set(word, stem);
  }
  return stem;
}

/**
 * Each term of `text` in its order; a term comes as often as it is there.
 * @param emit given the term and the folded word it stands for
 * @param asked true for a query: of a Chinese word the pairs alone, where a text gives its single characters, too
 */
export function eachTerm(text: string, emit: Emit, asked = false): void {
  const ascii = ASCII.test(text);
  const plain = ascii ? text : foldMarks(text);
  for (const [run] of plain.matchAll(ascii ? ASCII_RUN : RUN)) {
    if (ascii || !UNSPACED.test(run)) compound(run, emit);
    else unspaced(run, emit, asked);
  }
}

/** The terms of `text`, in order. */
export function termsOf(text: string, asked = false): string[] {
  const terms: string[] = [];
  eachTerm(text, (term) => terms.push(term), asked);
  return terms;
}

function word(text: string, emit: Emit): void {
  const cut = text.length > TERM_CHARS_MAX ? cutText(text, { chars_max: TERM_CHARS_MAX }) : text;
  emit(stemOf(cut), cut);
}

/** One run without scripts that write words together. */
function compound(run: string, emit: Emit): void {
  const lower = run.toLowerCase();
  if (PLAIN.test(lower)) {
    word(lower, emit);
    // "HTTPServer" and "unlockWithBiometrics"; a word in capitals or with one at its front has no parts.
    if (lower !== run) inParts(run, emit);
    return;
  }
  const owned = run.replace(/['’][sS]$/, '');
  if (owned !== run) {
    compound(owned, emit);
    return;
  }
  const parts = run.split(/[-._/:@'’#+\\$]+/).filter((part) => part !== '');
  if (parts.length === 0) return;
  if (parts.length === 1) {
    const only = parts[0]!;
    word(only.toLowerCase(), emit);
    inParts(only, emit);
    return;
  }
  word(wholeOf(lower), emit);
  // A path is made of names, each whole as well.
  const names = /[/\\]/.test(run) ? run.split(/[/\\]+/).filter((name) => name !== '') : parts;
  for (const name of names) {
    if (names !== parts) compound(name, emit);
    else {
      word(name.toLowerCase(), emit);
      inParts(name, emit);
    }
  }
}

/** A name without its signs, so that "e-mail" is "email" and memory_text is memoryText; versions keep their dots. */
const wholeOf = (lower: string): string =>
  lower
    .replace(/(?<=\p{N})\.(?=\p{N})/gu, '\0')
    .replace(/[-._/:@'’#+\\$]+/g, '')
    .replaceAll('\0', '.');

function inParts(part: string, emit: Emit): void {
  const pieces = part.match(PART) ?? [];
  if (pieces.length < 2) return;
  for (const piece of pieces) word(piece.toLowerCase(), emit);
}

function unspaced(run: string, emit: Emit, asked: boolean): void {
  for (const [piece, paired, byDictionary] of run.matchAll(SCRIPTS)) {
    if (paired !== undefined) pairs(paired, emit, asked);
    else if (byDictionary !== undefined) dictionaryWords(byDictionary, emit);
    else for (const [inner] of piece.matchAll(RUN)) compound(inner, emit);
  }
}

function pairs(text: string, emit: Emit, asked: boolean): void {
  const characters = [...text];
  if (characters.length === 1) {
    emit(text, text);
    return;
  }
  for (let at = 0; at < characters.length; at += 1) {
    const character = characters[at]!;
    if (!asked && ALONE.test(character)) emit(character, character);
    if (at + 1 < characters.length) emit(character + characters[at + 1], character + characters[at + 1]);
  }
}

let segmenter: Intl.Segmenter | null = null;

function dictionaryWords(text: string, emit: Emit): void {
  segmenter ??= new Intl.Segmenter('th', { granularity: 'word' });
  for (const { segment, isWordLike } of segmenter.segment(text)) if (isWordLike === true) word(segment, emit);
}
