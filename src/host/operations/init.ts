/**
 * `aether init`: a first aether.yaml from the templates, for the engine that can log in on this machine. What it
 * writes is meant to be read and edited, so it is text with comments and not a dump of a value.
 */
import { existsSync, writeFileSync } from 'node:fs';
import type { Detection } from '../../runtimes/runtime.ts';
import { loadTemplate } from '../config/templates.ts';
import { AetherError, messageOf } from '../errors.ts';

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
  agents: string[];
  runtime: string;
  /** Whether an engine was found that can log in; otherwise what is missing. */
  ready: boolean;
  missing: { what: string; mend: string }[];
}

/** Templates whose work is the project around the file; the others get a directory of their own. */
const IN_THE_PROJECT = new Set(['coder', 'reviewer']);

/** Models for the builtin engine, by the variable that says which log-in there is. */
const BUILTIN_MODELS: [variable: string, model: string][] = [
  ['ANTHROPIC_API_KEY', 'anthropic:claude-sonnet-4-5'],
  ['OPENAI_API_KEY', 'openai:gpt-5'],
  ['GOOGLE_GENERATIVE_AI_API_KEY', 'gemini:gemini-2.5-pro'],
];

/** @throws AetherError `init.exists`, `init.unwritable`, or what is wrong with the name of a template. */
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
  const shared = templates.filter((template) => IN_THE_PROJECT.has(template.name)).length > 1;
  const agents = templates.map((template) =>
    [
      `  ${template.name}:`,
      `    # ${template.description.replace(/\s+/g, ' ').trim()}`,
      `    template: ${template.name}`,
      ...(IN_THE_PROJECT.has(template.name)
        ? ['    workspace: .', ...(shared ? ['    shared: true  # two agents work in this directory'] : [])]
        : []),
    ].join('\n'),
  );
  const text = `${[HEAD, engine.text, `agents:\n${agents.join('\n\n')}`].join('\n\n')}\n`;
  try {
    writeFileSync(file, text, { flag: options.force ? 'w' : 'wx' });
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
  return {
    file,
    agents: options.templates,
    runtime: engine.runtime,
    ready: engine.missing.length === 0,
    missing: engine.missing,
  };
}

const HEAD = `# The fleet: who runs, and with what.
#   aether plan   shows exactly what each agent would be given
#   aether up     starts them; editing this file while they run applies what restarts nothing
#   aether run researcher -- "What is new in …?"   gives one something to do`;

function chooseEngine(options: InitOptions): {
  runtime: string;
  text: string;
  missing: InitResult['missing'];
} {
  const claude = options.detections.find((one) => one.runtime === 'claude-code');
  if (claude?.usable) {
    return {
      runtime: 'claude-code',
      missing: [],
      text: 'defaults:\n  runtime: claude-code  # found on this machine, and it can log in',
    };
  }
  const known = BUILTIN_MODELS.find(([variable]) => (options.environment[variable] ?? '').length >= 16);
  if (known) {
    return {
      runtime: 'builtin',
      missing: [],
      text: `defaults:\n  runtime: builtin  # the small loop that comes with Aether; claude-code is the better one where it can log in\n  model: ${known[1]}  # with ${known[0]}`,
    };
  }
  return {
    runtime: 'claude-code',
    missing: claude?.missing ?? [{ what: 'Claude Code', mend: 'npm install -g @anthropic-ai/claude-code' }],
    text: 'defaults:\n  runtime: claude-code  # cannot log in yet: `aether doctor` says what is missing',
  };
}
