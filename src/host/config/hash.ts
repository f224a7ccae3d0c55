/** The fingerprint of an agent's configuration: equal exactly when nothing an agent runs with differs. */
import { createHash } from 'node:crypto';
import type { AgentConfig } from './types.ts';

/** JSON with sorted keys: the same value gives the same text, whatever order it was built in. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}

/** @returns SHA-256, hex. Holds no secret: `env` and `auth` are references. */
export function configHash(agent: AgentConfig): string {
  return createHash('sha256').update(canonicalJson(agent)).digest('hex');
}
