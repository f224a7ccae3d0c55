/**
 * aether.yaml → one validated, frozen Config. Everything wrong with the file is found in one go and listed in
 * one error that leads with the first place; nothing is guessed and nothing is half loaded.
 */
import { dirname, resolve } from 'node:path';
import { AetherError } from '../errors.ts';
import { limits } from '../limits.ts';
import { homeOf } from '../written-path.ts';
import { checkAgent, checkKeys } from './check.ts';
import { explainConfig, isAgent } from './explain.ts';
import { withoutExtensions } from './extensions.ts';
import { deepFreeze } from './freeze.ts';
import { memorySettings } from './memory-schema.ts';
import { loopbackPorts, networkOf } from './network.ts';
import { normalise, type RawDefaults } from './normalise.ts';
import { parseSource, type Source } from './parse.ts';
import { configError, type Problem } from './problems.ts';
import { readConfigText } from './read.ts';
import { configSchema, type RawAgent, type RawConfig } from './schema.ts';
import { sizeInBytes } from './sizes.ts';
import { loadTemplate, type Template, templatesDirectory } from './templates.ts';
import type { AgentConfig, Config, Position, RetentionConfig } from './types.ts';
import { checkWorkspaces } from './workspaces.ts';

export const CONSOLE_PORT = 7300;

/** Also what holds where there is no configuration. */
export const RETENTION: RetentionConfig = { days: 14, bytes: 2e9, events_days: 90, events_bytes: 1e9 };

export interface LoadOptions {
  /** What `~` stands for. Default: the user's home. */
  home?: string;
  /** Where templates are looked up. Default: the package's. */
  templates?: string;
  /** Instead of what the file holds. */
  text?: string;
}

/**
 * Reads and checks the whole file. Secrets are not read: `${VAR}` and `auth` are resolved at launch
 * (resolve.ts).
 * @throws AetherError who 'config', code `config.*`, details {file, line, column, problems, more}
 */
export function loadConfig(file: string, options: LoadOptions = {}): Config {
  const path = resolve(file);
  const source = parseSource(path, options.text ?? readConfigText(path));
  if (source.value === null || source.value === undefined)
    throw refuse(source, 'empty', 'This file is empty.');
  if (typeof source.value !== 'object' || Array.isArray(source.value))
    throw refuse(source, 'not-a-mapping', 'This file must be a mapping that begins with `agents:`.');

  const value = withoutExtensions(source.value, configSchema) as Record<string, unknown>;
  const problems: Problem[] = explainConfig(value, source.written);
  const parts = usableParts(value, problems);
  const warnings: Config['warnings'] = [];
  const agents: AgentConfig[] = [];
  const templates = templateLoader(options.templates ?? templatesDirectory, problems);

  const take = (findings: ReturnType<typeof checkKeys>) => {
    problems.push(...findings.problems);
    for (const { path: at, text } of findings.warnings) {
      const { line, column } = source.position(at, 'key');
      warnings.push(`${path}:${line}:${column}: ${text}`);
    }
  };
  take(checkKeys(['defaults'], parts.defaults));
  const inherited = templates(['defaults', 'template'], parts.defaults.template);
  for (const [name, raw] of parts.agents) {
    const before = problems.length;
    take(checkAgent(name, raw, parts.defaults));
    const template =
      raw.template === undefined ? inherited : templates(['agents', name, 'template'], raw.template);
    if (problems.length > before) continue;
    agents.push(
      normalise(name, raw, parts.defaults, template, {
        dir: dirname(path),
        home: options.home ?? homeOf(process.env),
      }),
    );
  }
  problems.push(
    ...checkWorkspaces(agents, dirname(path), options.home ?? homeOf(process.env)),
    ...checkCount(Object.keys((value as unknown as RawConfig).agents ?? {})),
  );

  const { console: shown, retention, terminal, memory } = value as unknown as RawConfig;
  const consoleOf = { enabled: shown?.enabled ?? true, port: shown?.port ?? CONSOLE_PORT };
  problems.push(...checkConsolePort(agents, consoleOf));

  const located = [...source.problems, ...problems.map(source.locate)];
  if (located.length > 0) throw configError(path, located);
  return deepFreeze({
    file: path,
    agents,
    console: consoleOf,
    retention: {
      days: retention?.days ?? RETENTION.days,
      bytes: sizeInBytes(retention?.bytes ?? RETENTION.bytes),
      events_days: retention?.events_days ?? RETENTION.events_days,
      events_bytes: sizeInBytes(retention?.events_bytes ?? RETENTION.events_bytes),
    },
    terminal: { scrollback_lines: terminal?.scrollback_lines ?? limits.terminal_scrollback_lines },
    memory: memorySettings(memory, dirname(path), options.home ?? homeOf(process.env)),
    warnings,
    positions: positionsOf(source, value as unknown as RawConfig),
  });
}

function refuse(source: Source, code: string, message: string): AetherError {
  return configError(source.file, [
    source.locate({
      code,
      path: [],
      at: 'value',
      message,
      next: 'Run `aether init` in an empty directory to see a complete one, or write `agents: {}` for an empty fleet.',
    }),
  ]);
}

/** What has the right form by itself, so that its further mistakes are found in the same go. */
function usableParts(
  value: Record<string, unknown>,
  problems: readonly Problem[],
): { agents: [string, RawAgent][]; defaults: RawDefaults } {
  const sound = (path: string[]) =>
    !problems.some((problem) => path.every((step, index) => problem.path[index] === step));
  const agents = value.agents;
  const isMapping = typeof agents === 'object' && agents !== null && !Array.isArray(agents);
  return {
    agents: isMapping
      ? Object.entries(agents).filter(
          (entry): entry is [string, RawAgent] => sound(['agents', entry[0]]) && isAgent(entry[1]),
        )
      : [],
    defaults: sound(['defaults']) ? ((value.defaults as RawDefaults | undefined) ?? {}) : {},
  };
}

function templateLoader(directory: string, problems: Problem[]) {
  const loaded = new Map<string, Readonly<Template>>();
  return (path: string[], name: string | undefined): Readonly<Template> | null => {
    if (name === undefined) return null;
    try {
      const template = loaded.get(name) ?? loadTemplate(name, directory);
      loaded.set(name, template);
      return template;
    } catch (error) {
      if (!(error instanceof AetherError) || error.code !== 'config.unknown-template') throw error;
      problems.push({
        code: 'unknown-template',
        path,
        at: 'value',
        message: `${path.join('.')}: ${error.message}`,
        next: error.next,
      });
      return null;
    }
  };
}

/** A port of this machine that is carried inside would be the operator's own door. */
function checkConsolePort(agents: readonly AgentConfig[], { enabled, port }: Config['console']): Problem[] {
  if (!enabled) return [];
  return agents
    .filter((agent) => loopbackPorts(networkOf(agent)).includes(port))
    .map(({ name }) => ({
      code: 'network-console',
      path: ['agents', name],
      at: 'value',
      message: `agents.${name}.network names 127.0.0.1:${port}, which is the port of the console.`,
      next: 'Take it out, or give the console another: `console: { port: … }`.',
    }));
}

function checkCount(names: readonly string[]): Problem[] {
  const first = names[limits.agents_max];
  if (first === undefined) return [];
  return [
    {
      code: 'too-many-agents',
      path: ['agents', first],
      at: 'key',
      message: `There are ${names.length} agents; one host runs at most ${limits.agents_max}.`,
      next: 'Split the fleet over several configurations (-f FILE --state DIR).',
    },
  ];
}

function positionsOf(source: Source, value: RawConfig): Record<string, Position> {
  const positions: Record<string, Position> = {};
  for (const [name, raw] of Object.entries(value.agents)) {
    positions[`agents.${name}`] = source.position(['agents', name], 'key');
    for (const key of Object.keys(raw))
      positions[`agents.${name}.${key}`] = source.position(['agents', name, key], 'value');
    for (const [prefix, owner] of [
      [['defaults'], value.defaults],
      [['agents', name], raw],
    ] as const)
      for (const variable of Object.keys(owner?.env ?? {}))
        positions[`agents.${name}.env.${variable}`] = source.position([...prefix, 'env', variable], 'value');
  }
  return positions;
}
