/**
 * What a sandbox shows is mounted by its path. In a place that agents can write, one of them may have put a link there:
 * it would show what the link leads to.
 */
import { lstatSync } from 'node:fs';
import path from 'node:path';
import { realPath } from '../../config/paths.ts';
import { sandboxOf } from '../../config/sandbox.ts';
import type { AgentConfig } from '../../config/types.ts';
import { AetherError } from '../../errors.ts';
import { within } from '../../sandboxes/mounts.ts';

/**
 * @param all every agent there is
 * @throws AetherError `sandbox.path-missing`, `path.in-the-way`
 */
export function requireShown(agent: AgentConfig, all: readonly AgentConfig[], stateDir: string): void {
  const { read, write } = sandboxOf(agent);
  for (const one of [...read, ...write]) requireThere(agent.name, one);
  const writable = [path.join(stateDir, 'agents'), ...all.flatMap(writableBy)].map(realPath);
  for (const one of [agent.workspace, ...read, ...write]) requireNoLink(agent.name, one, writable);
}

const writableBy = (agent: AgentConfig): string[] => [agent.workspace, ...sandboxOf(agent).write];

function requireThere(agent: string, file: string): void {
  if (lstatSync(file, { throwIfNoEntry: false }) !== undefined) return;
  throw new AetherError({
    code: 'sandbox.path-missing',
    who: 'config',
    message: `${agent} cannot start: its sandbox is to show ${file}, which does not exist.`,
    next: 'Make it, or take it out of `sandbox:` in aether.yaml.',
  });
}

/** A link of the user's own is followed. */
function requireNoLink(agent: string, file: string, writable: readonly string[]): void {
  for (let at = file; at !== path.dirname(at); at = path.dirname(at)) {
    if (lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink() !== true) continue;
    const above = realPath(path.dirname(at));
    if (!writable.some((top) => within(above, top))) continue;
    throw new AetherError({
      code: 'path.in-the-way',
      who: 'user',
      message: `${agent} cannot start: ${at} is a link in a directory that agents can write to.`,
      next: 'An agent may have put it there: look where it leads, then remove it.',
    });
  }
}
