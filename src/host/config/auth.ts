/**
 * Where an agent's log-in comes from → the variables its engine is given. Read at launch only; the values go
 * into the engine's environment and nowhere else, and no error text ever holds one.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { PROVIDERS } from '../../runtimes/builtin/models.ts';
import { limits } from '../limits.ts';
import { providerVariables } from './cloud.ts';
import type { Fault } from './problems.ts';
import type { AgentConfig, AuthConfig } from './types.ts';
import { type Environment, lookUp } from './variables.ts';

/** Variables that Claude Code reads under their own name; any other name is taken to hold an API key. */
const CLAUDE_LOGINS = ['ANTHROPIC_API_KEY', 'CLAUDE_CODE_OAUTH_TOKEN', 'ANTHROPIC_AUTH_TOKEN'];
const GEMINI_ALIASES = ['GEMINI_API_KEY', 'GOOGLE_API_KEY'];

/**
 * @param env the agent's own variables, resolved: a log-in among them counts
 * @returns variables for the engine (secret), or the first thing wrong
 */
export function resolveAuth(
  agent: AgentConfig,
  env: Record<string, string>,
  environment: Environment,
): { variables: Record<string, string> } | Fault {
  const variables: Record<string, string> = {};
  const fault = agent.auth
    ? given(agent, agent.auth, environment, variables)
    : usual(agent, env, environment, variables);
  if (fault) return fault;
  const address = baseUrlOf(agent);
  const value = address === null ? undefined : environment[address];
  if (address !== null && value && env[address] === undefined) variables[address] = value;
  return { variables };
}

/** Where the log-in in one of an agent's auth variables comes from: for `plan`, and safe to show. */
export function authSource(agent: AgentConfig, variable: string): string {
  const { auth } = agent;
  if (variable in agent.env) return 'from env of the agent';
  if (auth && variable !== baseUrlOf(agent)) {
    if ('env' in auth) return `from ${auth.env}`;
    if ('oauthEnv' in auth) return `from ${auth.oauthEnv}`;
    if ('file' in auth) return `from ${auth.file}`;
    if ('oauthFile' in auth) return `from ${auth.oauthFile}`;
  }
  return `from ${variable} where aether runs`;
}

/** `auth:` is written. */
function given(
  agent: AgentConfig,
  auth: AuthConfig,
  environment: Environment,
  variables: Record<string, string>,
): Fault | null {
  if ('provider' in auth) return providerVariables(auth.provider, environment, variables);
  const oauth = 'oauthEnv' in auth || 'oauthFile' in auth;
  const name = 'env' in auth ? auth.env : 'oauthEnv' in auth ? auth.oauthEnv : null;
  const value =
    name === null
      ? readSecretFile('file' in auth ? auth.file : 'oauthFile' in auth ? auth.oauthFile : '')
      : (lookUp(environment, name)?.trim() ?? '');
  if (typeof value !== 'string') return value;
  if (value === '')
    return {
      code: 'auth-missing',
      path: ['auth'],
      message: `auth names ${name}, which is not set where aether runs.`,
      next: `Set ${name} in the environment of aether${oauth ? ' (`claude setup-token` makes a token)' : ''} and start it again.`,
    };
  const variable = variableFor(agent, oauth, name, value);
  if (variable === null)
    return {
      code: 'auth',
      path: ['auth'],
      message: `runtime ${agent.runtime}${agent.model ? ` with model ${agent.model}` : ''} takes no log-in.`,
      next: 'Remove auth; give a program what it needs below env.',
    };
  variables[variable] = value;
  return null;
}

/** The variable in which the engine expects this log-in; null when it takes none. */
function variableFor(agent: AgentConfig, oauth: boolean, name: string | null, value: string): string | null {
  if (agent.runtime === 'command') return name;
  if (agent.runtime === 'builtin') return providerOf(agent)?.key ?? null;
  if (oauth || value.startsWith('sk-ant-oat')) return 'CLAUDE_CODE_OAUTH_TOKEN';
  return name !== null && CLAUDE_LOGINS.includes(name) ? name : 'ANTHROPIC_API_KEY';
}

/** No `auth:`: what the engine usually takes, from the agent's env or from where aether runs. */
function usual(
  agent: AgentConfig,
  env: Record<string, string>,
  environment: Environment,
  variables: Record<string, string>,
): Fault | null {
  const logins = usualLogins(agent);
  if (logins === null) return null;
  // A log-in in the agent's own env is moved to auth, so that it is treated as the secret it is.
  const written = logins.find(({ variable }) => env[variable])?.variable;
  if (written !== undefined) {
    variables[written] = env[written]!;
    return null;
  }
  for (const { variable, names } of logins) {
    const name = names.find((candidate) => environment[candidate]?.trim());
    if (name === undefined) continue;
    variables[variable] = environment[name]!.trim();
    return null;
  }
  return missingLogin(agent, env, environment);
}

/** null: this agent needs no log-in. */
function usualLogins(agent: AgentConfig): { variable: string; names: string[] }[] | null {
  if (agent.runtime === 'claude-code')
    return CLAUDE_LOGINS.map((variable) => ({ variable, names: [variable] }));
  if (agent.runtime !== 'builtin') return null;
  const key = providerOf(agent)?.key ?? null;
  if (key === null) return null;
  return [{ variable: key, names: key.startsWith('GOOGLE_') ? [key, ...GEMINI_ALIASES] : [key] }];
}

function missingLogin(
  agent: AgentConfig,
  env: Record<string, string>,
  environment: Environment,
): Fault | null {
  if (agent.runtime === 'claude-code') {
    if (env.CLAUDE_CODE_USE_BEDROCK || env.CLAUDE_CODE_USE_VERTEX) return null;
    const cloud = environment.CLAUDE_CODE_USE_BEDROCK
      ? 'bedrock'
      : environment.CLAUDE_CODE_USE_VERTEX
        ? 'vertex'
        : null;
    return {
      code: 'auth-missing',
      path: [],
      message:
        'claude-code has no log-in: neither ANTHROPIC_API_KEY nor CLAUDE_CODE_OAUTH_TOKEN is set where aether runs.',
      next: cloud
        ? `Write \`auth: { provider: ${cloud} }\`.`
        : 'With a subscription run `claude setup-token` and set CLAUDE_CODE_OAUTH_TOKEN; with a key set ANTHROPIC_API_KEY; or write `auth:`.',
    };
  }
  const provider = providerOf(agent);
  const address = provider?.baseUrl ? (env[provider.baseUrl] ?? environment[provider.baseUrl]) : undefined;
  if (!provider || (provider.keyless && address)) return null;
  return {
    code: 'auth-missing',
    path: [],
    message: `The model ${agent.model} has no log-in: ${provider.key} is not set where aether runs.`,
    next: `Set ${provider.key}${provider.keyless ? ` (or ${provider.baseUrl}, for a server that needs no key)` : ''}, or write \`auth:\`.`,
  };
}

/** The variable with which the engine's address is overridden; null when it has none. */
function baseUrlOf(agent: AgentConfig): string | null {
  if (agent.runtime === 'builtin') return providerOf(agent)?.baseUrl ?? null;
  const cloud = agent.auth !== null && 'provider' in agent.auth;
  return agent.runtime === 'claude-code' && !cloud ? 'ANTHROPIC_BASE_URL' : null;
}

function providerOf(agent: AgentConfig): (typeof PROVIDERS)[number] | null {
  return PROVIDERS.find(({ name }) => agent.model?.startsWith(`${name}:`)) ?? null;
}

/** The one line of a file that only its owner can read. */
function readSecretFile(file: string): string | Fault {
  const fault = (code: string, message: string, next: string): Fault => ({
    code,
    path: ['auth'],
    message,
    next,
  });
  let descriptor: number;
  try {
    // Not waiting for the writer of a named pipe.
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return fault(
      'auth-file',
      `auth names the file ${file}, which ${missing ? 'does not exist' : 'cannot be read'}.`,
      missing
        ? `Write the key into it and run \`chmod 600 ${file}\`.`
        : `Make it yours: \`chown $USER ${file}\`.`,
    );
  }
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile())
      return fault(
        'auth-file',
        `auth names ${file}, which is not a regular file.`,
        'Name a file that holds one key.',
      );
    const uid = process.getuid?.();
    if (uid !== undefined && stat.uid !== uid)
      return fault(
        'auth-file-open',
        `The key file ${file} belongs to another user.`,
        `Make it yours: \`chown $USER ${file}\`.`,
      );
    if ((stat.mode & 0o077) !== 0)
      return fault(
        'auth-file-open',
        `The key file ${file} can be read by other users (mode ${(stat.mode & 0o777).toString(8)}).`,
        `Run \`chmod 600 ${file}\`.`,
      );
    if (stat.size > limits.auth_file_bytes_max)
      return fault(
        'auth-file',
        `The key file ${file} is far too large for a key.`,
        'Name a file that holds one key.',
      );
    const buffer = Buffer.alloc(limits.auth_file_bytes_max);
    const key = buffer.toString('utf8', 0, readSync(descriptor, buffer, 0, buffer.length, 0)).trim();
    if (key === '' || /[\s\0]/.test(key))
      return fault(
        'auth-file',
        `The key file ${file} ${key === '' ? 'is empty' : 'holds more than one word'}.`,
        'It must hold the key and nothing else.',
      );
    return key;
  } finally {
    closeSync(descriptor);
  }
}
