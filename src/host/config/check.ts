// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${NAME} is the syntax of the file, not of JavaScript.
/** What one agent's keys must satisfy together and a schema cannot say. Every problem names its place in the file. */
import { PROVIDERS } from '../../runtimes/builtin/models.ts';
import { nearest } from '../errors.ts';
import { authFits } from './auth-fits.ts';
import type { RawDefaults } from './normalise.ts';
import { pathFault } from './paths.ts';
import type { Problem } from './problems.ts';
import { type RawAgent, RUNTIMES, VARIABLE_NAME } from './schema.ts';
import { isSecretName, looksLikeSecret, quoteValue } from './secrets.ts';
import { parseValue } from './variables.ts';

/** Principals of their own: mail and approvals would not know whom is meant. */
const RESERVED_NAMES = ['operator', 'host'];

export interface Findings {
  problems: Problem[];
  warnings: { path: readonly string[]; text: string }[];
}

/** Name, runtime and the keys that depend on it. */
export function checkAgent(name: string, raw: RawAgent, defaults: RawDefaults): Findings {
  const path = ['agents', name];
  const found = checkKeys(path, raw);
  const { problems } = found;
  if (RESERVED_NAMES.includes(name))
    problems.push({
      code: 'reserved-name',
      path,
      at: 'key',
      message: `"${name}" is a name Aether uses itself; no agent can have it.`,
      next: `Call it \`my-${name}:\`, for example.`,
    });
  const runtime = raw.runtime ?? defaults.runtime;
  if (runtime === undefined) {
    problems.push({
      code: 'missing-key',
      path,
      at: 'key',
      message: `agents.${name} has no \`runtime\`.`,
      next: `Add \`runtime: claude-code\` (or ${RUNTIMES.slice(1).join(', or ')}), here or below \`defaults:\`.`,
    });
    return found;
  }
  problems.push(...checkCommand(path, raw, runtime, raw.command ?? defaults.command));
  problems.push(...checkModel(path, raw, runtime, raw.model ?? defaults.model));
  problems.push(...checkAuthFits(path, raw, runtime, raw.model ?? defaults.model));
  return found;
}

/** What can be judged of an agent's keys, or of the defaults, without knowing the runtime. */
export function checkKeys(path: readonly string[], raw: RawAgent): Findings {
  const { problems, warnings } = checkEnv(path, raw.env ?? {});
  problems.push(...checkAuth([...path, 'auth'], raw.auth));
  const replay = raw.model?.startsWith('replay:') ? raw.model.slice('replay:'.length) : undefined;
  const auth = typeof raw.auth === 'object' ? raw.auth : {};
  for (const [key, written] of [
    ['workspace', raw.workspace],
    ['model', replay],
    ['auth.file', auth.file],
    ['auth.oauth_file', auth.oauth_file],
  ] as const) {
    const fault = written === undefined ? null : pathFault(written);
    if (fault)
      problems.push({
        code: 'path',
        path: [...path, ...key.split('.')],
        at: 'value',
        message: `${[...path, key].join('.')} is not a usable path.`,
        next: fault,
      });
  }
  return { problems, warnings };
}

function checkCommand(
  path: readonly string[],
  raw: RawAgent,
  runtime: string,
  command: readonly string[] | undefined,
): Problem[] {
  const where = path.join('.');
  if (runtime === 'command' && command === undefined)
    return [
      {
        code: 'command-missing',
        path,
        at: 'key',
        message: `${where} has runtime command but no \`command\`.`,
        next: 'Add the program and its arguments as a list: `command: [./bin/agent, --verbose]`.',
      },
    ];
  if (runtime !== 'command' && raw.command !== undefined)
    return [
      {
        code: 'command-unused',
        path: [...path, 'command'],
        at: 'key',
        message: `${where}.command is only for runtime command; this agent has runtime ${runtime}.`,
        next: 'Write `runtime: command`, or remove `command`.',
      },
    ];
  return [];
}

function checkModel(
  path: readonly string[],
  raw: RawAgent,
  runtime: string,
  model: string | undefined,
): Problem[] {
  const where = path.join('.');
  const forms = PROVIDERS.map(({ name }) => `${name}:${name === 'replay' ? 'FILE' : 'NAME'}`).join(', ');
  if (runtime !== 'builtin') {
    if (!raw.model?.startsWith('replay:')) return [];
    return [
      {
        code: 'model',
        path: [...path, 'model'],
        at: 'value',
        message: `${where}.model is a replay, which only the builtin runtime plays; this agent has runtime ${runtime}.`,
        next: 'Write `runtime: builtin`, or name a model.',
      },
    ];
  }
  if (model === undefined)
    return [
      {
        code: 'missing-key',
        path,
        at: 'key',
        message: `${where} has runtime builtin but no \`model\`.`,
        next: `Add \`model:\` with one of ${forms}.`,
      },
    ];
  const colon = model.indexOf(':');
  const provider = colon < 0 ? model : model.slice(0, colon);
  const names = PROVIDERS.map((one) => one.name as string);
  if (names.includes(provider) && colon > 0 && colon < model.length - 1) return [];
  const near = names.includes(provider) ? null : nearest(provider, names)[0];
  return [
    {
      code: 'model',
      path: raw.model === undefined ? ['defaults', 'model'] : [...path, 'model'],
      at: 'value',
      message: `${quoteValue(model)} is not a model of the builtin runtime${near ? `; the nearest provider is "${near}"` : ''}.`,
      next: `Write one of ${forms}.`,
    },
  ];
}

function checkAuth(path: readonly string[], auth: RawAgent['auth']): Problem[] {
  if (auth === undefined) return [];
  const named = typeof auth === 'string' ? { env: auth } : auth;
  const at = (key: string): readonly string[] => (typeof auth === 'string' ? path : [...path, key]);
  const given = Object.entries(named).filter(([, value]) => value !== undefined);
  if (given.length !== 1)
    return [
      {
        code: 'auth',
        path,
        at: 'key',
        message: `${path.join('.')} must have exactly one of env, file, oauth_env, oauth_file and provider; it has ${given.length}.`,
        next: 'Keep one, for example `auth: { env: ANTHROPIC_API_KEY }`.',
      },
    ];
  const [[key, value]] = given as [[string, string]];
  if (key === 'provider') return [];
  const isVariable = key === 'env' || key === 'oauth_env';
  if (looksLikeSecret(value))
    return [
      {
        code: 'secret-in-file',
        path: at(key),
        at: 'value',
        message: `${path.join('.')} seems to hold a key itself. Secrets do not belong into this file.`,
        next: 'Put the key into an environment variable and write its name here (`auth: ANTHROPIC_API_KEY`), or into a file of mode 600 (`auth: { file: … }`). If this file was ever shared, revoke the key.',
      },
    ];
  if (isVariable && !VARIABLE_NAME.test(value))
    return [
      {
        code: 'auth',
        path: at(key),
        at: 'value',
        // Not quoted: whatever this is, it may be a secret of a form we do not know.
        message: `${path.join('.')} is not the name of an environment variable.`,
        next: value.includes('/')
          ? 'For a file write `auth: { file: … }`.'
          : 'Write the name alone, without $: `auth: ANTHROPIC_API_KEY`.',
      },
    ];
  return [];
}

function checkAuthFits(
  path: readonly string[],
  raw: RawAgent,
  runtime: string,
  model: string | undefined,
): Problem[] {
  if (raw.auth === undefined || authFits(raw.auth, runtime, model)) return [];
  const replayed = runtime === 'builtin' && authFits('ANY', runtime, model) === false;
  return [
    {
      code: 'auth',
      path: [...path, 'auth'],
      at: 'key',
      message: replayed
        ? `${path.join('.')}.auth is of no use: the model ${model} takes no log-in.`
        : `${path.join('.')}.auth cannot have this form with runtime ${runtime}.`,
      next: replayed
        ? 'Remove it.'
        : runtime === 'builtin'
          ? 'Name an API key: `auth: { env: … }` or `auth: { file: … }`.'
          : 'Give the program what it needs below `env:`, for example `env: { TOKEN: "${TOKEN}" }`.',
    },
  ];
}

function checkEnv(path: readonly string[], env: Record<string, string>): Findings {
  const problems: Problem[] = [];
  const warnings: Findings['warnings'] = [];
  for (const [name, value] of Object.entries(env)) {
    const here = [...path, 'env', name];
    const problem = (code: string, at: 'key' | 'value', message: string, next: string) =>
      problems.push({ code, path: here, at, message, next });
    if (!VARIABLE_NAME.test(name))
      problem(
        'env-name',
        'key',
        `${quoteValue(name)} cannot be the name of an environment variable.`,
        'Use letters, digits and _, not beginning with a digit.',
      );
    else if (name.startsWith('AETHER_'))
      problem(
        'env-name',
        'key',
        `${here.join('.')} begins with AETHER_: those variables are set by Aether.`,
        'Choose another name.',
      );
    const parts = parseValue(value);
    if (value.includes('\0'))
      problem('env-value', 'value', `${here.join('.')} holds a NUL character.`, 'Remove it.');
    else if (!Array.isArray(parts))
      problem(
        'env-value',
        'value',
        `In ${here.join('.')} ${parts.fault}.`,
        'Write `${NAME}` to take a variable from the environment of aether, or `$${` for a plain ${.',
      );
    else if (parts.some((part) => 'text' in part && looksLikeSecret(part.text)))
      warnings.push(secretWarning(here));
    else if (isSecretName(name) && value.length >= 8 && parts.every((part) => 'text' in part))
      warnings.push(secretWarning(here));
  }
  return { problems, warnings };
}

function secretWarning(path: readonly string[]): { path: readonly string[]; text: string } {
  const name = path.at(-1)!;
  return {
    path,
    text: `${path.join('.')} seems to hold a secret. Write \`${name}: \${${name}}\` and set it where aether runs.`,
  };
}
