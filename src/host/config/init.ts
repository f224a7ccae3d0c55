/**
 * `aether init`: a first aether.yaml from the templates, for the engine that can log in on this machine. What it
 * writes is meant to be read and edited, so it is text with comments and not a dump of a value.
 */
import { closeSync, constants, existsSync, openSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { RUNTIMES } from '../../runtimes/installed.ts';
import type { Detection } from '../../runtimes/runtime.ts';
import { writeBeneath } from '../beneath.ts';
import { AetherError, messageOf } from '../errors.ts';
import { openFile, readIfThere } from '../files.ts';
import { limits } from '../limits.ts';
import { makeDirectories } from '../paths.ts';
import { homeOf } from '../written-path.ts';
import { publishedJsonSchema, SCHEMA_NAME } from './json-schema.ts';
import { loadTemplate, type Template } from './templates.ts';
import { unfitToWrite } from './unfit.ts';

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
  const unfit = unfitToWrite(dirname(file), homeOf(process.env), options.environment.PATH);
  const text = [HEAD, engine.text, fleet(templates, unfit?.message ?? null)].join('\n\n');
  const files = writeAll(file, `${text}\n`, options.force);
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

/** @param unfit why the directory of the file is no project for an agent, or null */
function fleet(templates: readonly Readonly<Template>[], unfit: string | null): string {
  const shared = unfit === null && templates.filter(({ name }) => IN_THE_PROJECT.has(name)).length > 1;
  const place =
    unfit === null ? '    workspace: .' : `    # workspace: PROJECT, and not this directory: it ${unfit}.`;
  const agents = templates.map(({ name, description }) =>
    [
      `  ${name}:`,
      `    # ${description.replace(/\s+/g, ' ').trim()}`,
      `    template: ${name}`,
      ...(IN_THE_PROJECT.has(name) ? [place] : []),
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

/** The first runtime that can log in here; without one, what is missing for the preferred. */
function chooseEngine({ detections, environment }: InitOptions): Engine {
  const detected = (name: string) => detections.find((one) => one.runtime === name);
  const text = (lines: string[]) => ['defaults:', ...lines.map((line) => `  ${line}`)].join('\n');
  for (const { name, init } of RUNTIMES) {
    const detection = detected(name);
    if (init === null || !detection?.usable || !detection.canLogIn) continue;
    const lines = init.ready(detection, environment);
    if (lines !== null) return { runtime: name, missing: [], text: text(lines) };
  }
  const preferred = RUNTIMES.find(({ init }) => init?.otherwise !== undefined);
  const otherwise = preferred?.init?.otherwise;
  if (preferred === undefined || otherwise === undefined) throw new Error('no runtime is offered');
  return {
    runtime: preferred.name,
    missing: detected(preferred.name)?.missing ?? otherwise.missing,
    text: text(otherwise.lines),
  };
}

/** @returns what was written; the configuration last on disk, so that a failure leaves none. */
function writeAll(file: string, text: string, force: boolean): string[] {
  const directory = dirname(file);
  const state = join(directory, STATE_NAME);
  const schema = join(state, SCHEMA_NAME);
  const ignore = join(directory, '.gitignore');
  try {
    const ignoring = ignoreLine(ignore);
    makeDirectories(state);
    writeBeneath(state, SCHEMA_NAME, publishedJsonSchema(), 0o644);
    if (ignoring !== null) add(ignore, ignoring);
    write(file, text, force);
    const ignored = ignoring !== null;
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

/**
 * The host's directory holds a database and conversations: nothing for a repository.
 * @returns what the file lacks; null when it has the line
 * @throws where it is no regular file: a repository may contain a link in its place
 */
function ignoreLine(file: string): string | null {
  const text = readIfThere(file, limits.config_bytes_max) ?? '';
  if (text.split(/\r?\n/).some((line) => /^\/?\.aether\/?$/.test(line.trim()))) return null;
  const gap = text === '' || text.endsWith('\n') ? '' : '\n';
  return `${gap}${STATE_NAME}/\n`;
}

function add(file: string, text: string): void {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
  put(openSync(file, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o644), text);
}

/** Over a file that is there, also through a link to one, only with `force`. */
function write(file: string, text: string, force: boolean): void {
  const over = force && existsSync(file);
  put(over ? openFile(file, 'followed', constants.O_WRONLY | constants.O_TRUNC) : openSync(file, 'wx'), text);
}

function put(fd: number, text: string): void {
  try {
    writeFileSync(fd, text);
  } finally {
    closeSync(fd);
  }
}
