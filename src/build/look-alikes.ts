/**
 * The characters that look like one of ASCII, from Unicode's data of confusables as the package `unhomoglyph` carries
 * it. Only these are kept: the browser loads the list, and a command, a path and a host name are of ASCII.
 */
import { createRequire } from 'node:module';

/** What Unicode maps to a neighbour in shape and a reader takes for this. */
const ADDED: Record<string, string> = { '"': '“”„‟″❝❞', '-': '—―⸺', '|': '∣⏐│┃❘', '`': '｀' };
const require = createRequire(import.meta.url);
const WIDTH = 110;
/** Letters of living alphabets that are written so and deceive no reader. */
const LEFT_OUT = new Set('æÆœŒ');

export function makeLookAlikes(): string {
  const confusables = require('unhomoglyph/data.json') as Record<string, string>;
  const byTarget = new Map<string, string[]>();
  const add = (char: string, target: string) => {
    if (!LEFT_OUT.has(char)) byTarget.set(target, [...(byTarget.get(target) ?? []), char]);
  };
  for (const [char, target] of Object.entries(confusables)) {
    const one = [...char].length === 1 && !/^[\0-\x7f]$/.test(char);
    // What Unicode's own compatibility mapping gives is not repeated here.
    if (one && /^(?:[\x21-\x7e]|rn)$/.test(target) && char.normalize('NFKC') !== target) add(char, target);
  }
  for (const [target, chars] of Object.entries(ADDED)) for (const char of chars) add(char, target);
  const lines = [...byTarget].sort().map(([target, chars]) => {
    const codes = [...new Set(chars)].map((char) => char.codePointAt(0)!.toString(36)).sort();
    const line = `  [${quoted(target)}, '${codes.join(' ')}'],`;
    return line.length <= WIDTH ? line : `  [\n    ${quoted(target)},\n    '${codes.join(' ')}',\n  ],`;
  });
  return [
    '/** Written by `npm run generate` (build/look-alikes.ts): ASCII text, and the code points in base 36 that look like it. */',
    'export const LOOK_ALIKES: readonly (readonly [ascii: string, codes: string])[] = [',
    ...lines,
    '];',
    '',
  ].join('\n');
}

function quoted(text: string): string {
  return text.includes("'") ? `"${text.replace(/["\\]/g, '\\$&')}"` : `'${text.replaceAll('\\', '\\\\')}'`;
}
