/**
 * Where an agent's log-in comes from → the variables its engine is given. Read at launch only; the values go
 * into the engine's environment and nowhere else, and no error text ever holds one.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import type { Environment, Fault, LoginRules } from '../../runtimes/definition.ts';
import { definitionOf } from '../../runtimes/installed.ts';
import { limits } from '../limits.ts';
import type { AgentConfig, AuthConfig } from './types.ts';
import { lookUp } from './variables.ts';

const rulesOf = (agent: AgentConfig): LoginRules => definitionOf(agent.runtime).config.login;

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
  const rules = rulesOf(agent);
  if ('provider' in auth) {
    const provide = rules.providers[auth.provider];
    return provide === undefined ? noLogin(agent) : provide(environment, variables);
  }
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
      next: `Set ${name} in the environment of aether${oauth && rules.tokenHint ? ` (${rules.tokenHint})` : ''} and start it again.`,
    };
  const variable = rules.variable({ oauth, name, value }, agent.model);
  if (variable === null) return noLogin(agent);
  variables[variable] = value;
  return null;
}

function noLogin(agent: AgentConfig): Fault {
  return {
    code: 'auth',
    path: ['auth'],
    message: `runtime ${agent.runtime}${agent.model ? ` with model ${agent.model}` : ''} takes no log-in of this form.`,
    next: 'Remove auth; give a program what it needs below env.',
  };
}

/** No `auth:`: what the engine usually takes, from the agent's env or from where aether runs. */
function usual(
  agent: AgentConfig,
  env: Record<string, string>,
  environment: Environment,
  variables: Record<string, string>,
): Fault | null {
  const rules = rulesOf(agent);
  const logins = rules.usual(agent.model);
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
  const missing = rules.missing(agent.model, env, environment);
  return missing && { code: 'auth-missing', path: [], ...missing };
}

/** The variable with which the engine's address is overridden; null when it has none. */
function baseUrlOf(agent: AgentConfig): string | null {
  const provider = agent.auth !== null && 'provider' in agent.auth ? agent.auth.provider : null;
  return rulesOf(agent).address(agent.model, provider);
}

/** A key that the configuration names outside of agents. @returns the key, or why there is none */
export function readKey(auth: { env: string } | { file: string }, environment: Environment): string | Fault {
  if ('file' in auth) return readSecretFile(auth.file);
  const value = lookUp(environment, auth.env)?.trim() ?? '';
  if (value !== '') return value;
  return {
    code: 'auth-missing',
    path: ['auth'],
    message: `auth names ${auth.env}, which is not set where aether runs.`,
    next: `Set ${auth.env} in the environment of aether and start it again.`,
  };
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
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
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
