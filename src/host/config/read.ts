/** Reads a small text file that a person wrote, with a limit, and says what is wrong in the person's terms. */
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { AetherError, messageOf } from '../errors.ts';
import { limits } from '../limits.ts';

function refuse(file: string, code: string, message: string, next: string, cause?: unknown): AetherError {
  return new AetherError(
    {
      code: `config.${code}`,
      who: 'config',
      message: `${file}:1:1: ${message}`,
      next,
      details: { file, line: 1, column: 1 },
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
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw refuse(file, 'not-text', 'This file is not UTF-8 text.', 'Save it as UTF-8.', error);
  }
  if (text.includes('\0'))
    throw refuse(
      file,
      'not-text',
      'This file holds NUL bytes: it is not UTF-8 text.',
      'Save it as UTF-8 (not UTF-16).',
    );
  return text;
}

function readBounded(file: string): Buffer {
  let descriptor: number | undefined;
  try {
    // Looked at before it is opened: opening a named pipe would wait for its writer.
    const stat = statSync(file);
    if (!stat.isFile())
      throw refuse(
        file,
        'not-a-file',
        `This is ${stat.isDirectory() ? 'a directory' : 'not a regular file'}, not a configuration file.`,
        'Name the aether.yaml itself with -f FILE.',
      );
    descriptor = openSync(file, 'r');
    const size = fstatSync(descriptor).size;
    if (size > limits.config_bytes_max) throw tooLarge(file, size);
    const buffer = Buffer.alloc(limits.config_bytes_max + 1);
    let length = 0;
    for (;;) {
      const read = readSync(descriptor, buffer, length, buffer.length - length, null);
      length += read;
      if (read === 0) return buffer.subarray(0, length);
      if (length > limits.config_bytes_max) throw tooLarge(file, length);
    }
  } catch (error) {
    if (error instanceof AetherError) throw error;
    throw unreadable(file, error);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
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
      'This file may not be read by you.',
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
