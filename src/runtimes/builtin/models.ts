/**
 * Model strings of the builtin engine: which provider they name, and which variables its log-in is read from.
 * Keys come from the environment only, never from a string that could end up in a file or an argument.
 */
import { AetherError } from '../../host/errors.ts';

export type ProviderName = 'anthropic' | 'openai' | 'gemini' | 'ollama' | 'replay';

/** What the keys of a builtin agent are stored as. */
export interface BuiltinOptions {
  /** Absolute path of the recorded conversation; `model: replay:FILE`. */
  replay: string | null;
}

export interface Provider {
  name: ProviderName;
  /** Variable of the API key; null where there is none. */
  key: string | null;
  /** Variable that overrides the address. */
  baseUrl: string | null;
  /** Where its models are without that; null where none is called. */
  address: string | null;
  /** Whether a set `baseUrl` makes the key optional (local and self-hosted servers). */
  keyless: boolean;
}

export const PROVIDERS: readonly Provider[] = [
  {
    name: 'anthropic',
    key: 'ANTHROPIC_API_KEY',
    baseUrl: 'ANTHROPIC_BASE_URL',
    address: 'https://api.anthropic.com',
    keyless: false,
  },
  {
    name: 'openai',
    key: 'OPENAI_API_KEY',
    baseUrl: 'OPENAI_BASE_URL',
    address: 'https://api.openai.com',
    keyless: true,
  },
  {
    name: 'gemini',
    key: 'GOOGLE_GENERATIVE_AI_API_KEY',
    baseUrl: 'GOOGLE_GENERATIVE_AI_BASE_URL',
    address: 'https://generativelanguage.googleapis.com',
    keyless: false,
  },
  { name: 'ollama', key: null, baseUrl: 'OLLAMA_HOST', address: 'http://127.0.0.1:11434', keyless: true },
  { name: 'replay', key: null, baseUrl: null, address: null, keyless: true },
];

/**
 * @param model for example `anthropic:claude-sonnet-4-5`
 * @throws AetherError `builtin.model` when it names no known provider
 */
export function parseModel(model: string | null): { provider: Provider; name: string } {
  const colon = model?.indexOf(':') ?? -1;
  const provider = PROVIDERS.find((one) => one.name === model?.slice(0, colon));
  const name = model?.slice(colon + 1) ?? '';
  if (model === null || colon < 0 || !provider || name === '') {
    throw new AetherError({
      code: 'builtin.model',
      who: 'config',
      message:
        model === null
          ? 'An agent of the builtin runtime needs a model.'
          : `'${model}' is not a model of the builtin runtime.`,
      next: `Set model: to ${PROVIDERS.map((one) => `${one.name}:${one.name === 'replay' ? 'FILE' : 'NAME'}`).join(', ')}.`,
    });
  }
  return { provider, name };
}
