/** The embedding endpoint of aether.yaml as it is used: with its key, which is read at each use and kept nowhere. */
import type { Environment } from '../../runtimes/definition.ts';
import { AetherError } from '../errors.ts';
import { readKey } from './auth.ts';
import type { EmbeddingSettings } from './types.ts';

export type UsableEndpoint = Omit<EmbeddingSettings, 'auth'> & {
  /** Null: it wants none. @throws AetherError `embeddings.key` */
  key(): string | null;
};

export function endpointOf(
  { auth, ...settings }: EmbeddingSettings,
  environment: Environment,
): UsableEndpoint {
  return {
    ...settings,
    key() {
      if (auth === null) return null;
      const key = readKey(auth, environment);
      if (typeof key === 'string') return key;
      throw new AetherError({
        code: 'embeddings.key',
        who: 'config',
        message: `The embedding endpoint has no key: memory.embeddings.${key.message}`,
        next: key.next,
      });
    },
  };
}

/** In words, without what is secret. */
export function describedEndpoint({ url, api, model, exclude }: EmbeddingSettings): string {
  const left = exclude.length === 0 ? '' : `, but nothing of ${exclude.join(', ')}`;
  return `${model} at ${url} (${api === 'ollama' ? 'Ollama' : 'OpenAI form'})${left}`;
}
