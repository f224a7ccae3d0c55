/** The runtimes of this version, the preferred first. To add one, make its folder and name its definition here. */
import { AetherError } from '../host/errors.ts';
import { builtin } from './builtin/definition.ts';
import { claudeCode } from './claude-code/definition.ts';
import { command } from './command/definition.ts';
import type { RuntimeDefinition } from './definition.ts';
import { openclaw } from './openclaw/definition.ts';

export const RUNTIMES: readonly RuntimeDefinition[] = [claudeCode, openclaw, builtin, command];

/** @throws AetherError `runtime.unknown`: the configuration was stored by another version. */
export function definitionOf(name: string): RuntimeDefinition {
  const found = RUNTIMES.find((one) => one.name === name);
  if (found !== undefined) return found;
  throw new AetherError({
    code: 'runtime.unknown',
    who: 'config',
    message: `This version has no runtime named ${name}.`,
    next: `Use one of: ${RUNTIMES.map((one) => one.name).join(', ')}.`,
  });
}
