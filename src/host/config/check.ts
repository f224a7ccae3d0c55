// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${NAME} is the syntax of the file, not of JavaScript.
/**
 * Rules about the keys of one agent together, which a schema cannot express. Every problem names its place in the file.
 */
import type { RuntimeDefinition } from '../../runtimes/definition.ts';
import { definitionOf } from '../../runtimes/installed.ts';
import { pathFault } from '../written-path.ts';
import { authForm, type RawDefaults, writtenKeys } from './normalise.ts';
import { resolvePath } from './paths.ts';
import type { Problem } from './problems.ts';
import { modelOwner, OWN_KEYS, ownersOf, RUNTIME_NAMES } from './runtime-keys.ts';
import { shownPathFault } from './sandbox.ts';
import type { RawAgent } from './schema.ts';
import { isSecretName, looksLikeSecret, quoteValue } from './secrets.ts';
import { VARIABLE_NAME } from './text-schema.ts';
import { parseValue } from './variables.ts';

/** Where no path is made absolute. */
const ANYWHERE = { dir: '/project', home: '/home/user' };

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
      next: `Add \`runtime: ${RUNTIME_NAMES[0]}\` (or ${RUNTIME_NAMES.slice(1).join(', or ')}), here or below \`defaults:\`.`,
    });
    return found;
  }
  problems.push(...checkOwnKeys(path, raw, runtime));
  problems.push(...checkByRuntime(path, raw, defaults, definitionOf(runtime)));
  return found;
}

/** What can be judged of an agent's keys, or of the defaults, without knowing the runtime. */
export function checkKeys(path: readonly string[], raw: RawAgent): Findings {
  const { problems, warnings } = checkEnv(path, raw.env ?? {});
  problems.push(...checkAuth([...path, 'auth'], raw.auth));
  const auth = typeof raw.auth === 'object' ? raw.auth : {};
  for (const [key, written] of [
    ['workspace', raw.workspace],
    ['auth.file', auth.file],
    ['auth.oauth_file', auth.oauth_file],
  ] as const) {
    const fault = written === undefined ? null : pathFault(written);
    if (fault)
      problems.push({
        code: 'path',
        path: [...path, ...key.split('.')],
        at: 'value',
        message: `${[...path, key].join('.')} is not a usable path: ${fault.why}.`,
        next: fault.next,
      });
  }
  problems.push(...checkSandbox([...path, 'sandbox'], raw.sandbox));
  return { problems, warnings };
}

function checkSandbox(path: readonly string[], sandbox: RawAgent['sandbox']): Problem[] {
  if (sandbox === undefined || typeof sandbox === 'string') return [];
  const problems: Problem[] = [];
  if (sandbox.kind === 'none' && sandbox.required === true)
    problems.push({
      code: 'sandbox',
      path: [...path, 'required'],
      at: 'value',
      message: `${path.join('.')} requires a sandbox, and says that there is none.`,
      next: 'Write `kind: auto` or `kind: bubblewrap`, or leave `required` out.',
    });
  for (const key of ['read', 'write'] as const)
    for (const [at, written] of (sandbox[key] ?? []).entries()) {
      const { dir, home } = ANYWHERE;
      const unusable = pathFault(written);
      const fault = unusable?.next ?? shownPathFault(resolvePath(written, dir, home));
      if (fault === null) continue;
      const here = [...path, key, String(at)];
      const why = unusable === null ? '' : `: ${unusable.why}`;
      problems.push({
        code: 'path',
        path: here,
        at: 'value',
        message: `${here.join('.')} is not a path that a sandbox can show${why}.`,
        next: fault,
      });
    }
  return problems;
}

/** Keys of another runtime are a mistake where they are written, and left alone where the defaults bring them. */
function checkOwnKeys(path: readonly string[], raw: RawAgent, runtime: string): Problem[] {
  const where = path.join('.');
  const strange = OWN_KEYS.filter((key) => key in raw && !ownersOf(key).includes(runtime));
  const problems: Problem[] = strange.map((key) => {
    const owners = ownersOf(key).join(' or ');
    return {
      code: `${key}-unused`,
      path: [...path, key],
      at: 'key',
      message: `${where}.${key} is only for runtime ${owners}; this agent has runtime ${runtime}.`,
      next: `Write \`runtime: ${ownersOf(key)[0]}\`, or remove \`${key}\`.`,
    };
  });
  const { inherit } = raw;
  const inherits = inherit !== undefined && inherit !== 'none' && inherit.length > 0;
  if (inherits && definitionOf(runtime).config.inherits === false)
    problems.push({
      code: 'inherit-unused',
      path: [...path, 'inherit'],
      at: 'key',
      message: `${where}.inherit has no meaning for runtime ${runtime}: it takes nothing of your own engine setup.`,
      next: 'Remove `inherit`. What it is to know stands in `role:`, or in the instructions of a repository with `trust: true`.',
    });
  const owner = raw.model === undefined ? null : modelOwner(raw.model);
  if (owner !== null && owner.runtime !== runtime)
    problems.push({
      code: 'model',
      path: [...path, 'model'],
      at: 'value',
      message: `${where}.model is ${owner.what}, which only the ${owner.runtime} runtime plays; this agent has runtime ${runtime}.`,
      next: `Write \`runtime: ${owner.runtime}\`, or name a model.`,
    });
  return problems;
}

/** What only its runtime can judge. */
function checkByRuntime(
  path: readonly string[],
  raw: RawAgent,
  defaults: RawDefaults,
  { config }: RuntimeDefinition,
): Problem[] {
  const where = path.join('.');
  const place = (key: string | null): readonly string[] =>
    key === null ? path : key in raw ? [...path, key] : ['defaults', key];
  const problems: Problem[] = config
    .check(writtenKeys(where, raw, defaults, ANYWHERE))
    .map(({ code, key, message, next }) => ({
      code,
      path: place(key),
      at: key === null ? 'key' : 'value',
      message,
      next,
    }));
  if (raw.auth === undefined) return problems;
  const misfit = config.login.misfit(authForm(raw.auth), raw.model ?? defaults.model ?? null, where);
  if (misfit !== null) problems.push({ code: 'auth', path: [...path, 'auth'], at: 'key', ...misfit });
  return problems;
}

function checkAuth(path: readonly string[], auth: RawAgent['auth']): Problem[] {
  if (auth === undefined) return [];
  const named = authForm(auth);
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
        message: `${path.join('.')} seems to hold a key itself. Secrets do not belong in this file.`,
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
