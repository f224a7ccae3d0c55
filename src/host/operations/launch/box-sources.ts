/**
 * Checks what a sandbox shows before it is mounted by its path: an agent may have put a link in a place that it can
 * write, and the sandbox would show the target of that link.
 */
import { lstatSync } from 'node:fs';
import path from 'node:path';
import { realPath } from '../../config/paths.ts';
import { sandboxOf } from '../../config/sandbox.ts';
import type { AgentConfig } from '../../config/types.ts';
import { AetherError } from '../../errors.ts';
import { within } from '../../sandboxes/mounts.ts';
import type { BoxSpec } from '../../store/run-sandbox.ts';

/** The directories that agents can write, as far as the host knows. */
export function writableByAgents(all: readonly AgentConfig[], stateDir: string): string[] {
  const own = all.flatMap((agent) => [agent.workspace, ...sandboxOf(agent).write]);
  return [...new Set([...['agents', 'runs'].map((name) => path.join(stateDir, name)), ...own])];
}

/** @throws AetherError `sandbox.path-missing`, `path.in-the-way` */
export function requireShown(agent: AgentConfig, spec: BoxSpec): void {
  const own = sandboxOf(agent);
  for (const one of [...own.read, ...own.write]) requireThere(agent.name, one);
  requireNoLinks(agent, spec);
}

/** Of every box, also a later one of the same run: its agent has worked meanwhile. @throws AetherError `path.in-the-way` */
export function requireNoLinks(agent: AgentConfig, { read, hidden = [], shared = [] }: BoxSpec): void {
  const own = sandboxOf(agent);
  const writable = shared.map(realPath);
  // Mounted inside such a directory, or named by the user: what is shown of the system and of programs is neither.
  const inside = [...read, ...hidden].filter((one) => shared.some((top) => within(one, top)));
  for (const one of new Set([agent.workspace, ...own.read, ...own.write, ...inside]))
    requireNoLink(agent.name, one, writable);
}

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
