/**
 * `aether init`: a first aether.yaml from the templates, for the engine that can log in on this machine. What it
 * writes is meant to be read and edited, so it is text with comments and not a dump of a value.
 */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Detection } from '../../runtimes/runtime.ts';
import { publishedJsonSchema, SCHEMA_NAME } from '../config/json-schema.ts';
import { loadTemplate, type Template } from '../config/templates.ts';
import { AetherError, messageOf } from '../errors.ts';
import { makeDirectories } from '../paths.ts';

export interface InitOptions {
  /** Absolute path of the file to write. */
  file: string;
  /** In the order they are to stand in the file. */
  templates: string[];
  /** Overwrite a file that is there. */
  force: boolean;
  detections: Detection[];
  environment: Record<string, string | undefined>;
}

export interface InitResult {
  file: string;
  /** Everything that was written or added to, absolute; `file` first. */
  files: string[];
  agents: string[];
  runtime: string;
  /** Whether an engine was found that can log in; otherwise what is missing. */
  ready: boolean;
  missing: { what: string; mend: string }[];
  /** Commands to go on with, in order. */
  next: string[];
}

/** Templates whose work is the project around the file; the others get a directory of their own. */
const IN_THE_PROJECT = new Set(['coder', 'reviewer']);

/** Models for the builtin engine, by the variable that says which log-in there is. */
const BUILTIN_MODELS: [variable: string, model: string][] = [
  ['ANTHROPIC_API_KEY', 'anthropic:claude-sonnet-4-5'],
  ['OPENAI_API_KEY', 'openai:gpt-5'],
  ['GOOGLE_GENERATIVE_AI_API_KEY', 'gemini:gemini-2.5-pro'],
  ['OLLAMA_HOST', 'ollama:qwen3'],
];

/** Name of the host's directory beside the configuration. */
const STATE_NAME = '.aether';

/**
 * Writes the configuration, the schema it refers to, and the line that keeps the host's directory out of git.
 * @throws AetherError `init.exists`, `init.unwritable`, or what is wrong with the name of a template; then
 * nothing was written
 */
export function initConfig(options: InitOptions): InitResult {
  const { file } = options;
  if (existsSync(file) && !options.force) {
    throw new AetherError({
      code: 'init.exists',
      who: 'user',
      message: `${file} is there already; nothing was written.`,
      next: 'Edit it, write another with -f FILE, or replace it with --force.',
    });
  }
  const templates = options.templates.map((name) => loadTemplate(name));
  const engine = chooseEngine(options);
  const files = write(file, `${[HEAD, engine.text, fleet(templates)].join('\n\n')}\n`, options.force);
  return {
    file,
    files,
    agents: options.templates,
    runtime: engine.runtime,
    ready: engine.missing.length === 0,
    missing: engine.missing,
    next: ['aether plan', 'aether up'],
  };
}

const HEAD = `# yaml-language-server: $schema=./${STATE_NAME}/${SCHEMA_NAME}
#
# The fleet: who runs, and with what.
#   aether plan   shows exactly what each agent would be given
#   aether up     starts them; an edit of this file that only narrows then applies by itself
#   aether apply  applies the others`;

function fleet(templates: readonly Readonly<Template>[]): string {
  const shared = templates.filter(({ name }) => IN_THE_PROJECT.has(name)).length > 1;
  const agents = templates.map(({ name, description }) =>
    [
      `  ${name}:`,
      `    # ${description.replace(/\s+/g, ' ').trim()}`,
      `    template: ${name}`,
      ...(IN_THE_PROJECT.has(name) ? ['    workspace: .'] : []),
      ...(IN_THE_PROJECT.has(name) && shared ? ['    shared: true # two agents work in this directory'] : []),
      '    # goal: What it is to do. Without one it waits for a message.',
    ].join('\n'),
  );
  return `agents:\n${agents.join('\n\n')}`;
}

interface Engine {
  runtime: string;
  text: string;
  missing: InitResult['missing'];
}

function chooseEngine({ detections, environment }: InitOptions): Engine {
  const claude = detections.find((one) => one.runtime === 'claude-code');
  if (claude?.usable && claude.canLogIn) {
    const cloud = environment.CLAUDE_CODE_USE_BEDROCK
      ? 'bedrock'
      : environment.CLAUDE_CODE_USE_VERTEX
        ? 'vertex'
        : null;
    return {
      runtime: 'claude-code',
      missing: [],
      text: [
        'defaults:',
        '  runtime: claude-code # found on this machine, and it can log in',
        ...(cloud ? [`  auth: { provider: ${cloud} }`] : []),
      ].join('\n'),
    };
  }
  const builtin = detections.find((one) => one.runtime === 'builtin');
  const known = BUILTIN_MODELS.find(([variable]) => environment[variable]);
  if (builtin?.usable && builtin.canLogIn && known) {
    const [variable, model] = known;
    return {
      runtime: 'builtin',
      missing: [],
      text: [
        'defaults:',
        '  runtime: builtin # the small loop that comes with Aether; claude-code does more, where it can log in',
        `  model: ${model} # ${variable} is set; any model of that provider can stand here`,
      ].join('\n'),
    };
  }
  return {
    runtime: 'claude-code',
    missing: claude?.missing ?? [{ what: 'Claude Code', mend: 'npm install -g @anthropic-ai/claude-code' }],
    text: [
      'defaults:',
      '  runtime: claude-code # cannot log in yet: `aether doctor` says what is missing',
      '  # With a subscription: run `claude setup-token`, set CLAUDE_CODE_OAUTH_TOKEN, and nothing is needed here.',
      '  # With a key in another variable:',
      '  # auth: MY_API_KEY',
    ].join('\n'),
  };
}

/** @returns what was written; the configuration last on disk, so that a failure leaves none. */
function write(file: string, text: string, force: boolean): string[] {
  const directory = dirname(file);
  const state = join(directory, STATE_NAME);
  const schema = join(state, SCHEMA_NAME);
  const ignore = join(directory, '.gitignore');
  try {
    makeDirectories(state);
    writeFileSync(schema, publishedJsonSchema());
    const ignored = ignoreState(ignore);
    writeFileSync(file, text, { flag: force ? 'w' : 'wx' });
    return [file, schema, ...(ignored ? [ignore] : [])];
  } catch (error) {
    throw new AetherError(
      {
        code: 'init.unwritable',
        who: 'user',
        message: `${file} cannot be written: ${messageOf(error)}.`,
        next: 'Choose another place with -f FILE.',
      },
      { cause: error },
    );
  }
}

/** The host's directory holds a database and conversations: nothing for a repository. */
function ignoreState(file: string): boolean {
  const text = statSync(file, { throwIfNoEntry: false })?.isFile() ? readFileSync(file, 'utf8') : '';
  if (text.split(/\r?\n/).some((line) => /^\/?\.aether\/?$/.test(line.trim()))) return false;
  const gap = text === '' || text.endsWith('\n') ? '' : '\n';
  writeFileSync(file, `${gap}${STATE_NAME}/\n`, { flag: 'a' });
  return true;
}
