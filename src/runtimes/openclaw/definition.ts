/** `runtime: openclaw`: its program, its models, and where their log-in is found. */
import { z } from 'zod';
import type { LoginRules, RuntimeConfig, RuntimeDefinition, WrittenFault } from '../definition.ts';
import { hasKey, MODEL_FORMS, PROVIDERS, providerOf } from './models.ts';

const config: RuntimeConfig = {
  keys: {
    bin: {
      schema: z
        .string()
        .min(1)
        .refine((value) => !value.includes('\0'), 'must not hold a NUL character')
        .meta({
          description:
            'runtime: openclaw only. Its program, where it is not on PATH: node_modules/.bin/openclaw, for instance. Relative to this file.',
          examples: ['./node_modules/.bin/openclaw'],
        }),
      waits: 'runs another program',
    },
  },
  modelForms: {
    description: `OpenClaw's name of a model: ${MODEL_FORMS}`,
    example: 'anthropic/claude-sonnet-4-5',
  },
  inherits: false,
  check({ where, get, pathFault, quote }) {
    const faults: WrittenFault[] = [];
    const [model, bin] = [get('model') as string | undefined, get('bin') as string | undefined];
    const fault = bin === undefined ? null : pathFault(bin);
    if (fault !== null)
      faults.push({
        code: 'path',
        key: 'bin',
        message: `${where}.bin is not a usable path: ${fault.why}.`,
        next: fault.next,
      });
    if (model === undefined)
      faults.push({
        code: 'missing-key',
        key: null,
        message: `${where} has runtime openclaw but no \`model\`.`,
        next: `Add \`model:\` with one of ${MODEL_FORMS}.`,
      });
    else if (providerOf(model) === null)
      faults.push({
        code: 'model',
        key: 'model',
        message: `${quote(model)} is not a model of the openclaw runtime.`,
        next: `Write one of ${MODEL_FORMS}.`,
      });
    return faults;
  },
  options({ get, path }) {
    const bin = get('bin') as string | undefined;
    return { bin: bin === undefined ? null : path(bin) };
  },
  resolve: (options) => options,
  execTexts: () => [],
  login: login(),
};

function login(): LoginRules {
  return {
    providers: {},
    misfit: (auth, _model, where) =>
      auth.env !== undefined || auth.file !== undefined
        ? null
        : {
            message: `${where}.auth cannot have this form with runtime openclaw.`,
            next: 'Name an API key: `auth: { env: … }` or `auth: { file: … }`.',
          },
    variable: (_login, model) => providerOf(model)?.key ?? null,
    usual(model) {
      const provider = providerOf(model);
      return provider === null ? null : [{ variable: provider.key, names: [provider.key] }];
    },
    missing(model) {
      const provider = providerOf(model);
      if (provider === null) return null;
      return {
        message: `The model ${model} has no log-in: ${provider.key} is not set where aether runs.`,
        next: `Set ${provider.key}, or write \`auth:\`.`,
      };
    },
    address: (model) => providerOf(model)?.baseUrl ?? null,
  };
}

export const openclaw: RuntimeDefinition = {
  name: 'openclaw',
  about: 'the openclaw package, a gateway of its own for each agent',
  config,
  init: {
    ready(_detection, environment) {
      const provider = PROVIDERS.find((one) => hasKey(one, environment));
      if (provider === undefined) return null;
      return [
        'runtime: openclaw # found on this machine, and it can log in; an agent takes about 1.2 GB of memory',
        `model: ${provider.name}/${provider.model} # ${provider.key} is set; any model of that provider can stand here`,
      ];
    },
  },
  load: async ({ version }) => (await import('./runtime.ts')).openclawRuntime(version),
};
