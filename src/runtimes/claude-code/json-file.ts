/**
 * The JSON files of Claude Code as it reads them itself (run on 2.1.329): it accepts a byte order mark and UTF-16,
 * treats an empty file as no settings, and ignores a file with comments or trailing commas without a message.
 */

/** A file that is no JSON. The message quotes none of it: it may hold secrets. */
export class NotJson extends Error {
  override readonly name = 'NotJson';
}

/** Its text, as UTF-8 would give it. */
export function textOfJson(bytes: Buffer): string {
  const encoding = bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : 'utf-8';
  return new TextDecoder(encoding).decode(bytes);
}

/** @returns {} where nothing is written. @throws NotJson */
export function parseJson(text: string): unknown {
  if (text.trim() === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    throw new NotJson(
      isJson(withoutComments(text))
        ? 'it holds comments or trailing commas, for which Claude Code leaves the whole file out'
        : 'it is not JSON',
    );
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Less comments and trailing commas; what stands in quotes stays. */
function withoutComments(text: string): string {
  const quoted = String.raw`"(?:[^"\\]|\\.)*"`;
  const comments = new RegExp(String.raw`(${quoted})|//[^\n]*|/\*[\s\S]*?\*/`, 'g');
  const commas = new RegExp(String.raw`(${quoted})|,(?=\s*[}\]])`, 'g');
  const keep = (_whole: string, string?: string) => string ?? '';
  return text.replace(comments, keep).replace(commas, keep);
}
