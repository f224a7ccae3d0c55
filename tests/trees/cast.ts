/** Trees of processes that do all they can against being ended, by the way in which they resist. */
import { spawnSync } from 'node:child_process';
import type { ProcessSpec } from '../../src/host/shim/shim-protocol.ts';
import { program } from '../support/shim.ts';

export interface Resistant {
  name: string;
  spec: () => ProcessSpec;
  /** So many processes are there once it is complete. */
  least: number;
  /** A box refuses it, or lets it be only where it may debug. */
  boxes?: 'refuse' | 'debug';
}

const ALL: Resistant[] = [
  { name: 'ignores politeness', spec: () => program('stubborn.sh'), least: 3 },
  { name: 'sits on a terminal', spec: () => program('stubborn.sh', [], { pty: true }), least: 3 },
  { name: 'daemonises and clears its environment', spec: () => program('daemon.sh', ['stay']), least: 4 },
  { name: 'spins in sessions of its own', spec: () => program('spin.sh'), least: 3 },
  { name: 'runs away from the killer', spec: () => program('forker.sh'), least: 2 },
  { name: 'runs away without a trace', spec: () => program('fugitive.sh'), least: 2 },
  { name: 'breeds without end', spec: () => program('breeder.sh'), least: 5 },
  { name: 'leaves its control group', spec: () => program('leaver.sh'), least: 4 },
  { name: 'stands stopped', spec: () => program('sleeper.sh'), least: 3 },
  { name: 'stands under ptrace', spec: () => program('traced.mjs'), least: 4, boxes: 'debug' },
  { name: 'lives in a pid namespace', spec: () => program('boxed.sh'), least: 4, boxes: 'refuse' },
];

const may = (command: string, ...args: string[]) =>
  spawnSync(command, args, { stdio: 'ignore' }).status === 0;

/** Those that this machine lets be. */
export const RESISTANT = ALL.filter(
  ({ name }) => name !== 'lives in a pid namespace' || may('unshare', '--fork', '--pid', 'true'),
);
