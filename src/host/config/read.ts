/** Reads a small text file that a person wrote, with a limit, and says what is wrong in the person's terms. */
import { type Stats, statSync } from 'node:fs';
import { AetherError, messageOf } from '../errors.ts';
import { isFileProblem, readFileNow } from '../files.ts';
import { limits } from '../limits.ts';
import type { Position } from './types.ts';

/** What a decoder puts in the place of a byte it cannot read. */
const REPLACEMENT = '\ufffd';

function refuse(
  file: string,
  code: string,
  message: string,
  next: string,
  cause?: unknown,
  { line, column }: Position = { line: 1, column: 1 },
): AetherError {
  return new AetherError(
    {
      code: `config.${code}`,
      who: 'config',
      message: `${file}:${line}:${column}: ${message}`,
      next,
      details: { file, line, column },
    },
    { cause },
  );
}

function mib(bytes: number): string {
  return bytes >= 1024 * 1024 ? `${(bytes / 1024 / 1024).toFixed(1)} MB` : `${Math.ceil(bytes / 1024)} KB`;
}

/**
 * The file's text without a byte order mark.
 * @throws AetherError config.missing, config.unreadable, config.not-a-file, config.too-large (refused before a
 * byte is read), config.not-text
 */
export function readConfigText(file: string): string {
  const bytes = readBounded(file);
  let text: string;
  if (isUtf16(bytes))
    throw refuse(
      file,
      'not-text',
      'This file is UTF-16 text.',
      `Save it as UTF-8, in your editor or by \`iconv -f UTF-16 -t UTF-8 ${file}\` into another file.`,
    );
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw refuse(
      file,
      'not-text',
      'This file is not UTF-8 text: the byte here is not part of a character.',
      'Save it as UTF-8.',
      error,
      endOf(textBeforeBadByte(bytes)),
    );
  }
  const nul = text.indexOf('\0');
  if (nul !== -1)
    throw refuse(
      file,
      'not-text',
      'This file holds NUL bytes: it is not UTF-8 text.',
      'Save it as UTF-8 (not UTF-16).',
      undefined,
      endOf(text.slice(0, nul)),
    );
  return text;
}

/** By its byte order mark. */
function isUtf16([first, second]: Buffer): boolean {
  return (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
}

function textBeforeBadByte(bytes: Buffer): string {
  const lenient = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  for (let at = lenient.indexOf(REPLACEMENT); at !== -1; at = lenient.indexOf(REPLACEMENT, at + 1)) {
    const before = lenient.slice(0, at);
    const offset = Buffer.byteLength(before);
    // The mark itself may be in the text; until the first bad byte the two have the same length.
    if (!bytes.subarray(offset, offset + 3).equals(Buffer.from(REPLACEMENT))) return before;
  }
  return '';
}

function endOf(text: string): Position {
  const lines = text.split('\n');
  return { line: lines.length, column: (lines.at(-1) ?? '').length + 1 };
}

function readBounded(file: string): Buffer {
  try {
    // A link is the user's own way to keep it elsewhere.
    return readFileNow(file, { bytes_max: limits.config_bytes_max, links: 'followed' });
  } catch (error) {
    const stat = statOf(file);
    if (isFileProblem(error, 'too-large')) throw tooLarge(file, stat?.size ?? limits.config_bytes_max);
    if (stat === undefined || stat.isFile()) throw unreadable(file, error);
    throw refuse(
      file,
      'not-a-file',
      `This is ${stat.isDirectory() ? 'a directory' : 'not a regular file'}, not a configuration file.`,
      'Name the aether.yaml itself with -f FILE.',
    );
  }
}

function statOf(file: string): Stats | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false });
  } catch {
    // A loop of links, a closed directory: the refusal of the open says which.
    return undefined;
  }
}

function tooLarge(file: string, size: number): AetherError {
  return refuse(
    file,
    'too-large',
    `This file is ${mib(size)}; a configuration may have ${mib(limits.config_bytes_max)}. It was not read.`,
    'Move long prompts into files the agents read, or split the fleet over several configurations (-f FILE --state DIR).',
  );
}

function unreadable(file: string, error: unknown): AetherError {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return refuse(
      file,
      'missing',
      'There is no such file.',
      'Run `aether init` to write one, or name another with -f FILE.',
      error,
    );
  if (code === 'EACCES' || code === 'EPERM')
    return refuse(
      file,
      'unreadable',
      'You may not read this file.',
      `Run \`chmod u+r ${file}\`, or start Aether as its owner.`,
      error,
    );
  return refuse(
    file,
    'unreadable',
    `This file cannot be read: ${messageOf(error)}.`,
    'Check the disk and the path, or run `aether init` to write a new one.',
    error,
  );
}
