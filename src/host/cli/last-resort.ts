/**
 * Errors that no code caught. A full disk does not end the host: the operation is tried again or requested again. Every
 * other error is a defect and ends the host, as it would without this file; the agents belong to their shims and keep
 * running.
 */
import { writeSync } from 'node:fs';
import { isDiskFull, messageOf } from '../errors.ts';

export function surviveFullDisk(): void {
  process.on('uncaughtException', (error) => {
    if (isDiskFull(error)) {
      say(`${messageOf(error)}\n`);
      return;
    }
    say(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  });
}

/** stderr may be a file on that very disk: its own complaint must not come back here. */
function say(text: string): void {
  try {
    writeSync(2, text);
  } catch {
    // It cannot be reported.
  }
}
