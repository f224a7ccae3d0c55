/** Why a script cannot be started. execve reports "no such file" for a script whose interpreter is missing. */
import { closeSync, readSync, statSync } from 'node:fs';
import { openFile } from './files.ts';

/** What the kernel reads of a script to find its interpreter. */
const FIRST_LINE_BYTES = 256;

/** @param file an executable. @returns null for a program, and for a script whose interpreter is here */
export function scriptFault(file: string): { message: string; next: string } | null {
  const line = firstLine(file);
  if (!line.startsWith('#!')) return null;
  if (line.endsWith('\r'))
    return {
      message: `${file} begins with ${windowsStart(line)!}.`,
      next: `Give it Unix line ends: \`sed -i 's/\\r$//' ${quoted(file)}\`; git makes them with \`* text=auto eol=lf\` in .gitattributes.`,
    };
  const interpreter = /^#!\s*(\/\S+)/.exec(line)?.[1];
  if (interpreter === undefined || isThere(interpreter)) return null;
  return {
    message: `${file} begins with #!${interpreter}, which is not here.`,
    next: 'Install it, or correct the first line.',
  };
}

/** `#!/bin/sh\r`, and what that means; null where a text begins otherwise. */
export function windowsStart(text: string): string | null {
  const [line = ''] = text.split('\n', 1);
  if (!line.startsWith('#!') || !line.endsWith('\r')) return null;
  return `${line.slice(0, -1)}\\r: it has Windows line ends, and no interpreter has that name`;
}

function firstLine(file: string): string {
  try {
    // The program may be a file of the agent's own.
    const descriptor = openFile(file, 'followed');
    try {
      const buffer = Buffer.alloc(FIRST_LINE_BYTES);
      const read = readSync(descriptor, buffer, 0, buffer.length, 0);
      return buffer.subarray(0, read).toString('latin1').split('\n', 1)[0]!;
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return ''; // a program may be run without being readable
  }
}

function isThere(file: string): boolean {
  try {
    return statSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false; // a loop of links, a closed directory, a name too long
  }
}

function quoted(file: string): string {
  return /^[\w@%+=:,./-]+$/.test(file) ? file : `'${file.replaceAll("'", `'\\''`)}'`;
}
