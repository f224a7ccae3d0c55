/** Which sandbox the next run of an agent is in: what its configuration asks for, and what works on this machine. */
import type { SandboxConfig } from '../config/types.ts';
import { AetherError } from '../errors.ts';
import { SANDBOX_KINDS, type SandboxKind } from './kinds.ts';
import type { SandboxProbe } from './sandbox.ts';
import { sandboxNamed } from './sandboxes.ts';

export interface SandboxChoice {
  kind: SandboxKind;
  /** In words, for `plan` and `ps`. */
  why: string;
  /** What is not enforced, or weaker than it could be, with the step that mends it. */
  missing: SandboxProbe['missing'];
}

/** Of `auto`, the strongest first. */
const CONFINING = SANDBOX_KINDS.filter((kind) => kind !== 'none');

/** What has worked once is not tried again by this process; what did not may have been mended meanwhile. */
const proven = new Map<SandboxKind, SandboxProbe>();

async function probeOf(kind: SandboxKind): Promise<SandboxProbe> {
  const known = proven.get(kind);
  if (known !== undefined) return known;
  const probe = await sandboxNamed(kind).probe();
  if (probe.usable) proven.set(kind, probe);
  return probe;
}

/** Each that confines. */
export function probeSandboxes(): Promise<{ kind: SandboxKind; probe: SandboxProbe }[]> {
  return Promise.all(CONFINING.map(async (kind) => ({ kind, probe: await probeOf(kind) })));
}

/** @throws AetherError `sandbox.unusable` where the agent is not to run without one */
export async function chooseSandbox(agent: string, wanted: SandboxConfig): Promise<SandboxChoice> {
  if (wanted.kind === 'none') return { kind: 'none', why: 'the configuration says so', missing: [] };
  const missing: SandboxProbe['missing'] = [];
  for (const kind of wanted.kind === 'auto' ? CONFINING : [wanted.kind]) {
    const probe = await probeOf(kind);
    if (probe.usable)
      return {
        kind,
        why: wanted.kind === 'auto' ? 'it works here' : 'the configuration says so',
        missing: probe.missing,
      };
    missing.push(...probe.missing);
  }
  const [first] = missing;
  if (wanted.required)
    throw new AetherError({
      code: 'sandbox.unusable',
      who: 'user',
      message: `${agent} is not started without its sandbox: ${first?.what ?? 'none works here'}.`,
      next: `${first?.mend ?? 'See `aether doctor`'}. Or let it run unconfined: \`sandbox: none\`.`,
    });
  return { kind: 'none', why: first?.what ?? 'no sandbox works here', missing };
}
