/** `runtime: builtin`: its models, where their log-in is found, and recorded conversations in place of a model. */
import { statSync } from 'node:fs';
import { nearest } from '../../host/errors.ts';
import type { LoginRules, RuntimeConfig, RuntimeDefinition, WrittenFault } from '../definition.ts';
import { type BuiltinOptions, PROVIDERS, type Provider } from './models.ts';

const REPLAY = 'replay:';
const FORMS = PROVIDERS.map(({ name }) => `${name}:${name === 'replay' ? 'FILE' : 'NAME'}`).join(', ');
const GEMINI_ALIASES = ['GEMINI_API_KEY', 'GOOGLE_API_KEY'];

const providerOf = (model: string | null): Provider | null =>
  PROVIDERS.find(({ name }) => model?.startsWith(`${name}:`)) ?? null;
const replayOf = (model: unknown): string | null =>
  typeof model === 'string' && model.startsWith(REPLAY) ? model.slice(REPLAY.length) : null;

const config: RuntimeConfig = {
  keys: {},
  modelForms: {
    description:
      'anthropic:NAME, openai:NAME, gemini:NAME, ollama:NAME, or replay:FILE (a recorded conversation in place of a model)',
    example: 'anthropic:claude-sonnet-4-5',
  },
  modelPrefix: { prefix: REPLAY, what: 'a replay' },
  check({ where, get, pathFault, quote }) {
    const model = get('model') as string | undefined;
    if (model === undefined)
      return [
        {
          code: 'missing-key',
          key: null,
          message: `${where} has runtime builtin but no \`model\`.`,
          next: `Add \`model:\` with one of ${FORMS}.`,
        },
      ];
    const replay = replayOf(model);
    const fault = replay === null ? null : pathFault(replay);
    if (fault !== null)
      return [
        {
          code: 'path',
          key: 'model',
          message: `${where}.model is not a usable path: ${fault.why}.`,
          next: fault.next,
        },
      ];
    return unknownModel(model, quote);
  },
  options: ({ get, path }) => {
    const replay = replayOf(get('model'));
    return { replay: replay === null ? null : path(replay) };
  },
  resolve(options) {
    const { replay } = options as unknown as BuiltinOptions;
    if (replay === null || isFile(replay)) return options;
    return {
      code: 'replay-missing',
      path: ['model'],
      message: `There is no recorded conversation ${replay}.`,
      next: 'Correct the path after `replay:`; it is relative to the configuration file.',
    };
  },
  execTexts: () => [],
  login: login(),
};

function unknownModel(model: string, quote: (text: string) => string): WrittenFault[] {
  const colon = model.indexOf(':');
  const provider = colon < 0 ? model : model.slice(0, colon);
  const names = PROVIDERS.map((one) => one.name as string);
  if (names.includes(provider) && colon > 0 && colon < model.length - 1) return [];
  const near = names.includes(provider) ? null : nearest(provider, names)[0];
  return [
    {
      code: 'model',
      key: 'model',
      message: `${quote(model)} is not a model of the builtin runtime${near ? `; the nearest provider is "${near}"` : ''}.`,
      next: `Write one of ${FORMS}.`,
    },
  ];
}

function login(): LoginRules {
  return {
    providers: {},
    misfit(auth, model, where) {
      // Without a known model there is another problem to report first.
      if (providerOf(model)?.key === null)
        return {
          message: `${where}.auth has no effect: the model ${model} takes no log-in.`,
          next: 'Remove it.',
        };
      if (auth.env !== undefined || auth.file !== undefined) return null;
      return {
        message: `${where}.auth cannot have this form with runtime builtin.`,
        next: 'Name an API key: `auth: { env: … }` or `auth: { file: … }`.',
      };
    },
    variable: (_login, model) => providerOf(model)?.key ?? null,
    usual(model) {
      const key = providerOf(model)?.key ?? null;
      if (key === null) return null;
      return [{ variable: key, names: key.startsWith('GOOGLE_') ? [key, ...GEMINI_ALIASES] : [key] }];
    },
    missing(model, env, environment) {
      const provider = providerOf(model);
      const address = provider?.baseUrl
        ? (env[provider.baseUrl] ?? environment[provider.baseUrl])
        : undefined;
      if (!provider || (provider.keyless && address)) return null;
      return {
        message: `The model ${model} has no log-in: ${provider.key} is not set where aether runs.`,
        next: `Set ${provider.key}${provider.keyless ? ` (or ${provider.baseUrl}, for a server that needs no key)` : ''}, or write \`auth:\`.`,
      };
    },
    address: (model) => providerOf(model)?.baseUrl ?? null,
  };
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false; // nothing is there, or nothing that can be reached
  }
}

/** Models for a new configuration, by the variable that says which log-in there is. */
const MODELS: [variable: string, model: string][] = [
  ['ANTHROPIC_API_KEY', 'anthropic:claude-sonnet-4-5'],
  ['OPENAI_API_KEY', 'openai:gpt-5'],
  ['GOOGLE_GENERATIVE_AI_API_KEY', 'gemini:gemini-2.5-pro'],
  ['OLLAMA_HOST', 'ollama:qwen3'],
];

export const builtin: RuntimeDefinition = {
  name: 'builtin',
  about: 'a small loop for Anthropic, OpenAI-compatible, Gemini and Ollama models',
  config,
  init: {
    ready(_detection, environment) {
      const known = MODELS.find(([variable]) => environment[variable]);
      if (known === undefined) return null;
      const [variable, model] = known;
      return [
        'runtime: builtin # the small loop that comes with Aether; claude-code does more, where it can log in',
        `model: ${model} # ${variable} is set; any model of that provider can stand here`,
      ];
    },
  },
  load: async ({ version }) => (await import('./runtime.ts')).builtinRuntime(version),
};
