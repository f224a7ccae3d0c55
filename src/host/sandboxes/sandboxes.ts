/** The kinds of sandbox that there are: a new one is its file and a line here. */
import { AetherError } from '../errors.ts';
import { localSandbox } from './local.ts';
import type { Sandbox } from './sandbox.ts';

const sandboxes: readonly Sandbox[] = [localSandbox];

/** @throws AetherError `sandbox.unknown` */
export function sandboxNamed(name: string): Sandbox {
  const sandbox = sandboxes.find((candidate) => candidate.name === name);
  if (sandbox !== undefined) return sandbox;
  throw new AetherError({
    code: 'sandbox.unknown',
    who: 'host',
    message: `This version has no sandbox named ${name}; it has ${sandboxes.map((one) => one.name).join(', ')}.`,
    next: 'Where a run is in it, use the version of Aether that started that run, or `aether kill` the agent.',
  });
}
