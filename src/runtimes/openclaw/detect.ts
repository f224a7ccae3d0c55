/** What this machine has of OpenClaw: the package, a Node that it accepts, and a log-in in the environment. */
import type { Detection } from '../runtime.ts';
import { hasKey, PROVIDERS } from './models.ts';
import { compare, findNode, findOpenClaw, type OpenClaw, VERSION_MIN } from './program.ts';

export async function detectOpenClaw(environment: Record<string, string | undefined>): Promise<Detection> {
  const found = findOpenClaw(null, environment.PATH);
  const node = 'what' in found ? null : await findNode(found.node, environment.PATH);
  const canLogIn = PROVIDERS.some((provider) => hasKey(provider, environment));
  const missing = 'what' in found ? [found] : programFaults(found, node);
  const usable = missing.length === 0 && canLogIn;
  if (!canLogIn)
    missing.push({
      what: 'no log-in for a model of OpenClaw in the environment',
      mend: `set one of ${PROVIDERS.map(({ key }) => key).join(', ')} in the environment of aether`,
    });
  // The program of its process is Node, which runs a driver that starts the gateway by itself.
  const version = 'what' in found ? null : found.version;
  return { runtime: 'openclaw', usable, binary: node, version, canLogIn, model: true, missing };
}

function programFaults({ version, node: range }: OpenClaw, node: string | null): Detection['missing'] {
  const faults: Detection['missing'] = [];
  if (compare(version, VERSION_MIN) < 0)
    faults.push({
      what: `openclaw ${version} is older than ${VERSION_MIN}, the oldest one this was verified with`,
      mend: 'npm install -g openclaw@latest',
    });
  if (node === null)
    faults.push({
      what: `openclaw ${version} needs Node ${range}; this is ${process.versions.node}, and no other on PATH fits`,
      mend: nodeHint(range),
    });
  return faults;
}

/** How to get one of a range such as `>=24.16.0 <25 || >=26.1.0`. */
export function nodeHint(range: string): string {
  const major = /(\d+)/.exec(range)?.[1] ?? '24';
  return `https://nodejs.org, or \`nvm install ${major}\`; it needs to be on PATH, the host may go on with its own`;
}
