/** Which models the runtime knows the log-in of. Their names are OpenClaw's own: provider/NAME. */
export interface Provider {
  name: string;
  /** One of its models, for a new configuration. */
  model: string;
  /** The variable that holds the key. */
  key: string;
  /** The variable that overrides the address; null: it cannot be. */
  baseUrl: string | null;
  /** Where it is reached otherwise. */
  address: string;
  /** OpenClaw's name of the protocol, for an address that is overridden. */
  api: string | null;
}

export const PROVIDERS: readonly Provider[] = [
  {
    name: 'anthropic',
    model: 'claude-sonnet-4-5',
    key: 'ANTHROPIC_API_KEY',
    baseUrl: 'ANTHROPIC_BASE_URL',
    address: 'https://api.anthropic.com',
    api: 'anthropic-messages',
  },
  {
    name: 'openai',
    model: 'gpt-5',
    key: 'OPENAI_API_KEY',
    baseUrl: 'OPENAI_BASE_URL',
    address: 'https://api.openai.com',
    api: 'openai-completions',
  },
  {
    name: 'google',
    model: 'gemini-2.5-pro',
    key: 'GEMINI_API_KEY',
    baseUrl: null,
    address: 'https://generativelanguage.googleapis.com',
    api: null,
  },
  {
    name: 'openrouter',
    model: 'anthropic/claude-sonnet-4.5',
    key: 'OPENROUTER_API_KEY',
    baseUrl: null,
    address: 'https://openrouter.ai',
    api: null,
  },
];

export const MODEL_FORMS = PROVIDERS.map(({ name }) => `${name}/NAME`).join(', ');

/** Shortest value that can be a key: an empty or placeholder variable proves nothing. */
const KEY_CHARS_MIN = 16;

/** Whether what is set there can be a key. */
export function hasKey({ key }: Provider, environment: Record<string, string | undefined>): boolean {
  const value = environment[key] ?? '';
  return value.length >= KEY_CHARS_MIN && !/\s/.test(value);
}

/** @returns null for a model of a provider that is not known here */
export function providerOf(model: string | null): Provider | null {
  return (
    PROVIDERS.find(({ name }) => model?.startsWith(`${name}/`) && model.length > name.length + 1) ?? null
  );
}
