/** Output of the commands: colour only on a terminal, and a reader that closed its end is not an error. */
import { once } from 'node:events';
import { styleText } from 'node:util';
import { AetherError, describeError } from '../errors.ts';
import { ODD_CHARACTER } from '../shown/characters.ts';
import { ExitCode } from './exit-codes.ts';
import { completed } from './hints.ts';
import { oneLine, sanitise } from './text.ts';

type Format = Parameters<typeof styleText>[0];

/** Coloured when stdout is a terminal and NO_COLOR is unset; the text must already be safe. */
export function paint(format: Format, text: string): string {
  return styleText(format, text, { stream: process.stdout });
}

export function print(line = ''): void {
  process.stdout.write(`${line}\n`);
}

/** Resolves once stdout takes more: what is printed in a loop waits for it, or memory fills with what is not read. */
export async function room(): Promise<void> {
  if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain');
}

/** For people, beside the output proper: progress, hints. */
export function note(line: string): void {
  process.stderr.write(`${completed(line)}\n`);
}

export function printJson(value: unknown): void {
  print(unseenEscaped(JSON.stringify(value, null, 2)));
}

/** The same JSON: what a terminal would obey or not show is written as an escape. */
export function unseenEscaped(json: string): string {
  if (/^[\n\x20-\x7e]*$/.test(json)) return json;
  return json.replace(UNSEEN, (char) =>
    Array.from(
      { length: char.length },
      (_, at) => `\\u${char.charCodeAt(at).toString(16).padStart(4, '0')}`,
    ).join(''),
  );
}

/** Not the line ends, which are between the parts of JSON; inside of them they are escapes already. */
const UNSEEN = new RegExp(`(?!\n)(?:${ODD_CHARACTER})`, 'gu');

export function printError(error: unknown): void {
  const text = sanitise(describeError(error));
  note(`${styleText('red', 'error:', { stream: process.stderr })} ${text}`);
  // A bug of this command has no sentence of its own: its stack goes to the terminal and nowhere else.
  if (error instanceof Error && !(error instanceof AetherError)) note(error.stack ?? error.message);
}

export function warn(text: string): void {
  note(`${styleText('yellow', 'warning:', { stream: process.stderr })} ${oneLine(text)}`);
}

/** Columns to fit into; infinite where the output is not a terminal. */
export function columns(): number {
  return process.stdout.isTTY ? process.stdout.columns || 80 : Number.POSITIVE_INFINITY;
}

/** `aether ps | head -1`: the reader has enough, and so there is nothing left to do. */
let outputGone: () => void = () => process.exit(ExitCode.ok);

/** For a command that has something left to do. Called for every write that fails. @returns restore */
export function whenOutputGone(act: () => void): () => void {
  const before = outputGone;
  outputGone = act;
  return () => {
    outputGone = before;
  };
}

/** A reader that went away, or a terminal that was closed, is no error. */
export function surviveClosedPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
      outputGone();
    });
  }
}
