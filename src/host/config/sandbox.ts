/** What `sandbox:` says of an agent, and which paths it cannot name. */
import type { AgentConfig, SandboxConfig } from './types.ts';

/** What an agent has whose configuration says nothing. */
const DEFAULT: Readonly<SandboxConfig> = {
  kind: 'auto',
  required: false,
  read: [],
  write: [],
  toolchains: true,
  debug: false,
};

export function sandboxOf(config: AgentConfig): Readonly<SandboxConfig> {
  return config.sandbox ?? DEFAULT;
}

/** A sandbox makes these itself. */
const MADE_INSIDE = ['/proc', '/dev', '/sys'];

/** Why a sandbox cannot show this absolute path, or null. */
export function shownPathFault(path: string): string | null {
  if (path === '/')
    return 'With all of / there is no sandbox: name what is needed, or write `sandbox: none`.';
  const made = MADE_INSIDE.find((dir) => path === dir || path.startsWith(`${dir}/`));
  return made === undefined ? null : `A sandbox has a ${made} of its own: leave it out.`;
}
