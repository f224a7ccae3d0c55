/** The program that stands where a host looks for Claude Code: it is that, unless an agent's environment makes it a teller. */
import fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { claudeBinary } from '../support/engines.ts';

export const TELLER = fileURLToPath(new URL('programs/teller.mjs', import.meta.url));

/** What makes a box, and what becomes it, has the command line of what runs inside among its arguments. */
/** What speaks for the gateway of OpenClaw. */
const DRIVER = '/runtimes/openclaw/driver/main.';

const LAUNCHER = /^\S*\/(bwrap|sh|env|nsenter) /;

export const runsItself = (command: string): boolean => !LAUNCHER.test(command);

export interface Engine {
  file: string;
  /** By its command line. */
  is(command: string): boolean;
}

/** @param forNode a script for Node, of which a box runs an execute-only copy; a shell's starts faster */
export function engineOf(dir: string, forNode: boolean): Engine {
  const file = join(dir, forNode ? 'engine' : 'engine.sh');
  fs.writeFileSync(file, forNode ? scriptForNode() : scriptForShell(), { mode: 0o755 });
  const programs = [TELLER, file, claudeBinary(), DRIVER];
  return {
    file,
    is: (command) => runsItself(command) && programs.some((program) => command.includes(program)),
  };
}

function scriptForShell(): string {
  return `#!/bin/sh
[ -n "$CHAOS_TELL" ] && exec '${process.execPath}' '${TELLER}' $CHAOS_TELL pipes "$@"
exec '${claudeBinary()}' "$@"
`;
}

function scriptForNode(): string {
  return `#!${fs.realpathSync(process.execPath)}
const given = process.argv.slice(2);
const told = process.env.CHAOS_TELL;
if (!told) process.execve(${JSON.stringify(claudeBinary())}, [${JSON.stringify(claudeBinary())}, ...given], process.env);
process.argv.splice(2, given.length, ...told.split(' '), 'pipes', ...given);
import(${JSON.stringify(TELLER)});
`;
}
