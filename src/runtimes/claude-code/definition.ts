/** `runtime: claude-code`: every form of `auth`, and the user's own subscription or cloud. */
import type { Environment, LoginRules, RuntimeConfig, RuntimeDefinition } from '../definition.ts';
import { type CloudName, providerVariables } from './cloud.ts';

/** Variables that Claude Code reads under their own name; any other name is taken to hold an API key. */
const LOGINS = ['ANTHROPIC_API_KEY', 'CLAUDE_CODE_OAUTH_TOKEN', 'ANTHROPIC_AUTH_TOKEN'];

const cloud =
  (name: CloudName): LoginRules['providers'][string] =>
  (environment, variables) =>
    providerVariables(name, environment, variables);

/** The cloud that is switched on where aether runs. */
function cloudOf(environment: Environment): CloudName | null {
  if (environment.CLAUDE_CODE_USE_BEDROCK) return 'bedrock';
  return environment.CLAUDE_CODE_USE_VERTEX ? 'vertex' : null;
}

const config: RuntimeConfig = {
  keys: {},
  modelForms: null,
  check: () => [],
  options: () => ({}),
  resolve: (options) => options,
  execTexts: () => [],
  login: {
    providers: { bedrock: cloud('bedrock'), vertex: cloud('vertex') },
    misfit: () => null,
    variable({ oauth, name, value }) {
      if (oauth || value.startsWith('sk-ant-oat')) return 'CLAUDE_CODE_OAUTH_TOKEN';
      return name !== null && LOGINS.includes(name) ? name : 'ANTHROPIC_API_KEY';
    },
    usual: () => LOGINS.map((variable) => ({ variable, names: [variable] })),
    missing(_model, env, environment) {
      if (cloudOf(env) !== null) return null;
      const provider = cloudOf(environment);
      return {
        message:
          'claude-code has no log-in: neither ANTHROPIC_API_KEY nor CLAUDE_CODE_OAUTH_TOKEN is set where aether runs.',
        next: provider
          ? `Write \`auth: { provider: ${provider} }\`.`
          : 'With a subscription run `claude setup-token` and set CLAUDE_CODE_OAUTH_TOKEN; with a key set ANTHROPIC_API_KEY; or write `auth:`.',
      };
    },
    address: (_model, provider) => (provider === null ? 'ANTHROPIC_BASE_URL' : null),
    tokenHint: '`claude setup-token` makes a token',
  },
};

export const claudeCode: RuntimeDefinition = {
  name: 'claude-code',
  about: null,
  config,
  init: {
    ready(_detection, environment) {
      const provider = cloudOf(environment);
      return [
        'runtime: claude-code # found on this machine, and it can log in',
        ...(provider ? [`auth: { provider: ${provider} }`] : []),
      ];
    },
    otherwise: {
      lines: [
        'runtime: claude-code # cannot log in yet: `aether doctor` says what is missing',
        '# With a subscription: run `claude setup-token`, set CLAUDE_CODE_OAUTH_TOKEN, and nothing is needed here.',
        '# With a key in another variable:',
        '# auth: MY_API_KEY',
      ],
      missing: [{ what: 'Claude Code', mend: 'npm install -g @anthropic-ai/claude-code' }],
    },
  },
  load: async () => (await import('./runtime.ts')).claudeCodeRuntime,
};
