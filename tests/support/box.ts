/** A tree in a box of bubblewrap, in a network of its own, as the product makes it. */
import fs from 'node:fs';
import { join } from 'node:path';
import { bubblewrapSandbox } from '../../src/host/sandboxes/bubblewrap.ts';
import { programFiles } from '../../src/host/sandboxes/toolchains.ts';
import type { ProcessSpec } from '../../src/host/shim/shim-protocol.ts';
import { PROGRAMS } from './shim.ts';

/** Processes that a box adds to the tree: bubblewrap outside, and as the first process inside. */
export const LAUNCHERS = 2;

/** By its command line, in which stands also what runs inside. */
export const makesBox = (command: string): boolean => /^\S*\/bwrap /.test(command);

/** Why bubblewrap cannot be had here; null: it can. */
export async function whyNoBox(): Promise<string | null> {
  const { usable, missing } = await bubblewrapSandbox.probe();
  return usable ? null : (missing[0]?.what ?? 'bubblewrap does not work');
}

/** @param dir an empty directory, which the tree may write to */
export async function inBox(
  spec: ProcessSpec,
  dir: string,
  { debug = false }: { debug?: boolean } = {},
): Promise<ProcessSpec> {
  const workspace = join(dir, 'workspace');
  fs.mkdirSync(workspace);
  const box = bubblewrapSandbox.box({
    ...{ run: 'r_tree', name: 'engine', network: 'own', own: join(dir, 'box') },
    ...{ write: [workspace], read: [PROGRAMS, ...programFiles(process.execPath, '/root')] },
    ...(debug ? { debug: true as const } : {}),
  });
  await box.prepare({ home: workspace, files: new Map() });
  return box.wrap({ ...spec, cwd: workspace });
}
