/** What this machine has of OpenClaw: the package, a Node that it accepts, and a log-in in the environment. */
import type { Detection } from '../runtime.ts';
import { PROVIDERS } from './models.ts';
import { compare, findNode, findOpenClaw, INSTALL_HINT, VERSION_MIN } from './program.ts';

/** Shortest value that can be a key: an empty or placeholder variable proves nothing. */
const KEY_CHARS_MIN = 16;

export async function detectOpenClaw(environment: Record<string, string | undefined>): Promise<Detection> {
  const missing: Detection['missing'] = [];
  const found = findOpenClaw(null, environment.PATH);
  if ('what' in found) missing.push(found);
  else {
    if (compare(found.version, VERSION_MIN) < 0)
      missing.push({
        what: `openclaw ${found.version} is older than ${VERSION_MIN}, the oldest one this was verified with`,
        mend: `${INSTALL_HINT.split(',')[0]}@latest`,
      });
    if ((await findNode(found.node, environment.PATH)) === null)
      missing.push({
        what: `openclaw ${found.version} needs Node ${found.node}; this is ${process.versions.node}, and no other on PATH fits`,
        mend: nodeHint(found.node),
      });
  }
  const usableProgram = missing.length === 0;
  const canLogIn = PROVIDERS.some(({ key }) => {
    const value = environment[key] ?? '';
    return value.length >= KEY_CHARS_MIN && !/\s/.test(value);
  });
  if (!canLogIn)
    missing.push({
      what: 'no log-in for a model of OpenClaw in the environment',
      mend: `set one of ${PROVIDERS.map(({ key }) => key).join(', ')} in the environment of aether`,
    });
  return {
    runtime: 'openclaw',
    usable: usableProgram && canLogIn,
    binary: 'what' in found ? null : found.entry,
    version: 'what' in found ? null : found.version,
    canLogIn,
    model: true,
    missing,
  };
}

/** How to get one of a range such as `>=24.16.0 <25 || >=26.1.0`. */
export function nodeHint(range: string): string {
  const major = /(\d+)/.exec(range)?.[1] ?? '24';
  return `https://nodejs.org, or \`nvm install ${major}\`; it needs to be on PATH, the host may go on with its own`;
}
