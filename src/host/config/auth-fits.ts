/** Which forms of `auth` an engine can use. An agent's own must fit; one from the defaults that does not is left out. */
import { PROVIDERS } from '../../runtimes/builtin/models.ts';
import type { RawAgent } from './schema.ts';

export function authFits(
  auth: NonNullable<RawAgent['auth']>,
  runtime: string,
  model: string | null | undefined,
): boolean {
  if (runtime === 'claude-code') return true;
  const named = typeof auth === 'string' ? { env: auth } : auth;
  if (runtime === 'command') return named.env !== undefined;
  const provider = PROVIDERS.find(({ name }) => model?.startsWith(`${name}:`));
  // Without a known model there is another problem to report first.
  if (provider && provider.key === null) return false;
  return named.env !== undefined || named.file !== undefined;
}
