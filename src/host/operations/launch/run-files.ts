/**
 * What a run finds on the disk when it starts: its directories, the files its runtime asked for, its MCP command. An
 * agent can write to most of these places, so everything goes below a directory of the host's, through no link.
 */
import path from 'node:path';
import type { LaunchSpec } from '../../../runtimes/runtime.ts';
import { makeBeneath, removeBeneath, writeBeneath } from '../../beneath.ts';
import type { AgentConfig } from '../../config/types.ts';
import { AetherError, diskFull, isDiskFull, messageOf } from '../../errors.ts';
import { makeDirectories } from '../../paths.ts';
import type { RunPaths } from '../../runs/run.ts';

/** In the state directory; each may be a link, to another disk. */
const AGENTS = 'agents';
const RUNS = 'runs';

/** @throws AetherError run.directory, path.in-the-way, host.disk-full */
export function makeRunDirectories(
  agent: AgentConfig,
  run: string,
  stateDir: string,
  socketDir: string,
): void {
  const make = (root: string, below?: string) => makeDirectory(agent.name, root, below);
  make(path.join(stateDir, RUNS), path.join(run, 'journal'));
  make(path.join(stateDir, AGENTS), agent.name);
  make(socketDir, run);
  make(agent.workspace);
}

function makeDirectory(agent: string, root: string, below: string | undefined): void {
  try {
    makeDirectories(root);
    if (below !== undefined) makeBeneath(root, below);
  } catch (error) {
    const dir = path.join(root, below ?? '');
    if (error instanceof AetherError) throw error;
    if (isDiskFull(error)) throw diskFull(dir, error);
    throw new AetherError(
      {
        code: 'run.directory',
        who: 'user',
        message: `${agent} cannot start: its directory ${dir} cannot be made (${messageOf(error)}).`,
        next: 'Make it yourself, name another, or let the user of Aether write there; then start the agent again.',
      },
      { cause: error },
    );
  }
}

/**
 * Removes what earlier processes may have left for the next, then makes directories and writes files that it is given.
 * @throws AetherError `path.in-the-way`, or the system's error
 */
export async function placeFiles(stateDir: string, launch: LaunchSpec): Promise<void> {
  for (const left of launch.cleared ?? []) {
    const root = rootOf(stateDir, left);
    if (root === null) throw misplaced(left);
    await removeBeneath(root, path.relative(root, left));
  }
  for (const dir of launch.uses.write) {
    const root = rootOf(stateDir, dir);
    if (root !== null) makeBeneath(root, path.relative(root, dir));
  }
  for (const file of launch.files) {
    const root = rootOf(stateDir, file.path);
    if (root === null) throw misplaced(file.path);
    const content = Buffer.from(file.content, file.encoding ?? 'utf8');
    writeBeneath(root, path.relative(root, file.path), content, file.mode);
  }
}

function rootOf(stateDir: string, file: string): string | null {
  const roots = [AGENTS, RUNS].map((name) => path.join(stateDir, name));
  return roots.find((dir) => file.startsWith(`${dir}/`)) ?? null;
}

const misplaced = (file: string): Error => new Error(`${file} lies in no directory of agents or runs`);

/** One path without arguments that speaks MCP on stdio: what `AETHER_MCP_COMMAND` names. */
export function writeMcpCommand(
  socketDir: string,
  paths: RunPaths,
  bridge: { command: string; args: string[] },
): void {
  const quoted = [bridge.command, ...bridge.args]
    .map((word) => `'${word.replaceAll("'", `'\\''`)}'`)
    .join(' ');
  const text = `#!/bin/sh\nexec ${quoted}\n`;
  writeBeneath(socketDir, path.relative(socketDir, paths.mcpCommand), text, 0o700);
}
