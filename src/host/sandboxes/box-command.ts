/**
 * How bubblewrap is started so that its own two processes, one outside and one as pid 1 of the box, do not hold the
 * streams of the engine. A shell prepares outside, another one inside, before any program of the agent runs; both
 * become what they start.
 *
 * * Streams apart: pid 1 holds, for good, the stdin and stdout that bubblewrap was started with, and is dumpable. Every
 * program in the box could open the engine's terminal at /proc/1/fd/0, or at /dev/console, read what a person types and
 * write on their screen; a program that may trace could take the engine's sockets. So bubblewrap gets /dev/null, and
 * the streams under other numbers, which it hands on to what it starts and closes in itself.
 *
 * * Signals of a terminal: Ctrl-C goes to every process of its foreground group, and bubblewrap would end by it, and
 * the box with it, where the program inside only interrupts what it does. It would end by the hang-up, too, that
 * follows when the program inside was the last that had the terminal open, before it can say how that one ended.
 * Outside they are ignored; inside they work as usual.
 */
import { spawnSync } from 'node:child_process';
import type { ProcessSpec } from '../shim/shim-protocol.ts';

// Digits, because a shell knows descriptors of one digit only. On a terminal what bubblewrap says when it fails is
// lost: there is no other place for it. On pipes stderr stays, to which programs of the engine write anyway.
const OUTSIDE = {
  pty: 'exec 7<&0 </dev/null >/dev/null 2>&1',
  pipes: 'exec 7<&0 8>&1 </dev/null >/dev/null',
};
const INSIDE = {
  pty: 'exec <&7 >&7 2>&7 7<&-',
  pipes: 'exec <&7 >&8 7<&- 8>&-',
};
const SIGNALS = ['HUP', 'INT', 'QUIT'];
const ENV = '/usr/bin/env';
const BY_DEFAULT = `--default-signal=${SIGNALS.join(',')}`;

/**
 * @param box argv of bubblewrap, up to its `--`
 * @param command argv of what runs inside
 * @param spec what it is: a terminal that is the agent itself keeps /dev/console, where programs look for its name
 */
export function boxCommand(
  box: string[],
  command: string[],
  { io, role }: Pick<ProcessSpec, 'io' | 'role'>,
): string[] {
  const signals = io.kind === 'pty' && canRestoreSignals();
  const apart = io.kind === 'pipes' || role !== 'engine';
  const outside = [
    ...(signals ? [`trap '' ${SIGNALS.join(' ')}`] : []),
    ...(apart ? [OUTSIDE[io.kind]] : []),
  ];
  const inside = [...(signals ? [ENV, BY_DEFAULT] : []), ...become(apart ? [INSIDE[io.kind]] : [], command)];
  return become(outside, [...box, ...inside]);
}

const become = (first: string[], argv: string[]): string[] =>
  first.length === 0 ? argv : ['/bin/sh', '-c', [...first, 'exec "$@"'].join('; '), 'sh', ...argv];

let restores: boolean | null = null;

/** A shell cannot undo that it was started with a signal ignored; the env of coreutils can, since 2019. */
function canRestoreSignals(): boolean {
  restores ??= spawnSync(ENV, [BY_DEFAULT, 'true'], { stdio: 'ignore' }).status === 0;
  return restores;
}
