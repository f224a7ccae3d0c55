/** Text that is safe to judge where only plain text goes: a notification, a title, a terminal. Marks are `<U+202E>`. */
import { ESCAPE_SEQUENCE } from './characters.ts';
import { endsOf } from './ends.ts';
import { marked, type Piece, type Reading, show } from './pieces.ts';

export function plainPiece({ kind, shown }: Piece): string {
  return kind === 'mark' ? `<${shown}>` : shown;
}

export function plainText(text: string, as: Reading): string {
  return show(text, as).pieces.map(plainPiece).join('');
}

const ESCAPES = new RegExp(ESCAPE_SEQUENCE, 'g');

/**
 * For what is read and not judged (a result, a message that went by): escape sequences are removed, carriage returns
 * are line ends, blanks stay.
 */
export function readableText(text: string): string {
  if (/^[\t\n\x20-\x7e]*$/.test(text)) return text;
  const pieces = marked(text.replace(ESCAPES, '').replace(/\r\n?/g, '\n'), 'prose');
  return pieces.map((piece) => (piece.kind === 'fold' ? piece.raw : plainPiece(piece))).join('');
}

/** One line, with its end in sight. */
export function plainLine(text: string, as: Reading, chars_max: number): string {
  const line = plainText(text, as).replace(/\s+/g, ' ').trim();
  const ends = endsOf(line, { lines_max: 1, chars_max: chars_max - 3 });
  return ends === null ? line : `${ends.head} … ${ends.tail}`;
}
