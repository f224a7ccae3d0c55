/**
 * Which models of the builtin engine could log in here. It needs no binary, and a replay needs no log-in, so it is
 * always usable; `canLogIn` is about a real model.
 */
import type { Detection } from '../runtime.ts';
import { PROVIDERS } from './models.ts';

/** Shortest value that can be a key: an empty or placeholder variable proves nothing. */
const KEY_CHARS_MIN = 16;

/**
 * @param environment the host's environment; only the names of the providers' variables are looked at
 * @param version of the package, as the engine is part of it
 */
export function detectBuiltin(environment: Record<string, string | undefined>, version: string): Detection {
  const ready = PROVIDERS.filter((provider) => {
    const key = provider.key === null ? '' : (environment[provider.key] ?? '');
    const address = provider.baseUrl === null ? '' : (environment[provider.baseUrl] ?? '');
    return (key.length >= KEY_CHARS_MIN && !/\s/.test(key)) || (provider.keyless && isAddress(address));
  });
  return {
    runtime: 'builtin',
    usable: true,
    binary: process.execPath,
    version,
    canLogIn: ready.length > 0,
    model: true,
    missing: ready.length > 0 ? [] : [noLogIn()],
  };
}

function noLogIn(): Detection['missing'][number] {
  const names = PROVIDERS.map((one) => one.key ?? one.baseUrl).filter((name) => name !== null);
  return {
    what: 'no log-in for a real model (replay models work without)',
    mend: `set one of ${names.join(', ')} in the environment of aether`,
  };
}

/** OLLAMA_HOST is commonly `host:port` without a scheme. */
function isAddress(text: string): boolean {
  return text !== '' && URL.canParse(text.includes('://') ? text : `http://${text}`);
}
