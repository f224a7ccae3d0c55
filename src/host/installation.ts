/** What this installation of Aether consists of: its version, its runtimes, its programs. Never changes while it runs. */
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { definitionOf, RUNTIMES } from '../runtimes/installed.ts';
import type { Detection, Runtime } from '../runtimes/runtime.ts';
import { NO_INSPECTOR } from './node-flags.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BRIDGE = fileURLToPath(
  new URL(
    `../mcp-tools/bridge/main${path.extname(import.meta.url) === '.ts' ? '.cts' : '.cjs'}`,
    import.meta.url,
  ),
);

/** The console for browsers, as it was built. */
export const WEB_DIR = path.join(ROOT, 'dist', 'console', 'web');

export const version = (
  JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { version: string }
).version;

let runtimes: readonly Runtime[] = [];

/** Before any of them is asked for. */
export async function loadRuntimes(): Promise<void> {
  if (runtimes.length === 0) runtimes = await Promise.all(RUNTIMES.map(({ load }) => load({ version })));
}

export const runtimeNames: readonly string[] = RUNTIMES.map(({ name }) => name);

/**
 * @param name null: of an agent that is no longer known
 * @throws AetherError `runtime.unknown`
 */
export function runtimeNamed(name: string | null): Runtime {
  if (name === null) return runtimes.find(({ capabilities }) => capabilities.engine === 'pty')!;
  return runtimes[RUNTIMES.indexOf(definitionOf(name))]!;
}

export async function detectRuntimes(): Promise<Detection[]> {
  await loadRuntimes();
  return Promise.all(runtimes.map((runtime) => runtime.detect(process.env)));
}

/** argv of the bridge for a door. */
export function bridgeTo(doorSocket: string): { command: string; args: string[] } {
  return { command: process.execPath, args: [NO_INSPECTOR, BRIDGE, doorSocket] };
}
