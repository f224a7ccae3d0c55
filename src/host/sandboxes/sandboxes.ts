/** The kinds of sandbox that there are: a new one is its file, its name in kinds.ts and a line here. */
import { AetherError } from '../errors.ts';
import { bubblewrapSandbox } from './bubblewrap.ts';
import { SANDBOX_KINDS, type SandboxKind } from './kinds.ts';
import { localSandbox } from './local.ts';
import type { Sandbox } from './sandbox.ts';

const sandboxes: Record<SandboxKind, Sandbox> = { bubblewrap: bubblewrapSandbox, none: localSandbox };

/** @throws AetherError `sandbox.unknown` */
export function sandboxNamed(name: string): Sandbox {
  if (Object.hasOwn(sandboxes, name)) return sandboxes[name as SandboxKind];
  throw new AetherError({
    code: 'sandbox.unknown',
    who: 'host',
    message: `This version has no sandbox named ${name}; it has ${SANDBOX_KINDS.join(', ')}.`,
    next: 'Where a run is in it, use the version of Aether that started that run, or `aether kill` the agent.',
  });
}
