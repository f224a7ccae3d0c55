/** The plan of a configuration file: against a running host, or against what a state directory holds. */
import fs from 'node:fs';
import path from 'node:path';
import type { PlannedMemory, PlanView } from './api.ts';
import { endpointOf } from './config/embeddings.ts';
import { loadConfig } from './config/load.ts';
import { isWithin, realPath } from './config/paths.ts';
import { resolveAgent } from './config/resolve.ts';
import { sandboxOf } from './config/sandbox.ts';
import type { Config } from './config/types.ts';
import { toWireError, type WireError } from './errors.ts';
import { EventReader } from './events/reader.ts';
import { bridgeTo, loadRuntimes, runtimeNamed } from './installation.ts';
import { embedded } from './memory/dense/endpoint.ts';
import { planFleet, plannedMemory } from './operations/fleet/plan.ts';
import { programCopiesDirectoryOf, statePaths } from './paths.ts';
import { chooseSandbox } from './sandboxes/choice.ts';
import { type AgentRecord, AgentTable } from './store/agents.ts';
import { Store } from './store/store.ts';
import { homeOf } from './written-path.ts';

/** What the plan is made against. */
export interface PlanBasis {
  stateDir: string;
  socketDir: string;
  agents: readonly AgentRecord[];
  /** Names of agents that have a live run. */
  running: Set<string>;
  events: Pick<EventReader, 'list'>;
}

export async function makePlan(
  config: Config,
  { stateDir, socketDir, agents, running, events }: PlanBasis,
): Promise<PlanView> {
  const plan = await planFleet({
    config,
    applied: new Map(agents.map((agent) => [agent.name, agent.config])),
    running,
    adopted: ({ name, runtime }) =>
      adoptedFrom(
        agents.find((agent) => agent.name === name),
        runtime,
        events,
      ),
    resolve: (agent) => resolveAgent(agent, process.env, config, stateDir),
    runtime: runtimeNamed,
    chooseSandbox: (agent) => chooseSandbox(agent.name, sandboxOf(agent)),
    host: { stateDir, socketDir, configFile: config.file, programs: programCopiesDirectoryOf(process.env) },
    place: (agent) => ({
      run: 'RUN',
      agentDir: path.join(stateDir, 'agents', agent),
      runDir: path.join(stateDir, 'runs', 'RUN'),
      mcp: bridgeTo(path.join(socketDir, 'RUN', 'mcp.sock')),
      mcpCommand: path.join(socketDir, 'RUN', 'mcp'),
      userHome: homeOf(process.env),
      path: process.env.PATH ?? '/usr/bin:/bin',
    }),
  });
  return { ...plan, warnings: [...plan.warnings, ...(await editors(config))] };
}

/** Of a conversation that it still has: another one, begun with `--fresh` or by another runtime, is its own. */
function adoptedFrom(
  agent: AgentRecord | undefined,
  runtime: string,
  events: PlanBasis['events'],
): string | null {
  if (agent?.engine?.session == null) return null;
  const [adopted] = events.list({ agent: agent.name, topics: ['agent.adopted'], last: true, limit: 1 });
  const isThat = adopted?.data.session === agent.engine.session && adopted.data.runtime === runtime;
  return isThat ? adopted.data.file : null;
}

export interface CheckedFile {
  agents: number;
  scrollback_lines: number;
  memory: PlannedMemory;
  /** What the embedding endpoint answered; null: there is none. */
  embeddings: { dimensions: number; ms: number } | { problem: WireError } | null;
  warnings: string[];
}

/** For `doctor`. @throws AetherError for a file that cannot be used */
export async function checkConfiguration(file: string): Promise<CheckedFile> {
  const config = loadConfig(file);
  const { scrollback_lines } = config.terminal;
  return {
    agents: config.agents.length,
    scrollback_lines,
    memory: plannedMemory(config.memory),
    embeddings: await tried(config),
    warnings: [...config.warnings, ...(await editors(config))],
  };
}

async function tried({ memory }: Config): Promise<CheckedFile['embeddings']> {
  if (memory.embeddings === undefined) return null;
  const since_ms = performance.now();
  try {
    const [vector] = await embedded(endpointOf(memory.embeddings, process.env), ['aether']);
    return { dimensions: vector!.length, ms: Math.round(performance.now() - since_ms) };
  } catch (error) {
    return { problem: toWireError(error) };
  }
}

/** Agents that can edit the configuration themselves, and what that means. */
async function editors(config: Config): Promise<string[]> {
  const warnings: string[] = [];
  for (const { name, workspace, ...agent } of config.agents) {
    if (!isWithin(realPath(config.file), realPath(workspace))) continue;
    // One that does not start without a sandbox has a problem of its own.
    const choice = await chooseSandbox(name, sandboxOf({ name, workspace, ...agent })).catch(() => null);
    if (choice?.kind !== 'none') continue;
    const { line, column } = config.positions[`agents.${name}.workspace`] ??
      config.positions[`agents.${name}`] ?? { line: 1, column: 1 };
    warnings.push(
      `${config.file}:${line}:${column}: ${name} works where this file is, and has no sandbox (${choice.why}): it can edit the file. ` +
        'Edits that narrow apply by themselves; edits that give an agent more wait for `aether apply`: read them first.',
    );
  }
  return warnings;
}

/** The plan against what the state directory holds, without writing there. */
export async function planWithoutHost(options: { configFile: string; stateDir: string }): Promise<PlanView> {
  await loadRuntimes();
  const config = loadConfig(options.configFile);
  const file = statePaths(options.stateDir).database;
  const store = fs.existsSync(file) ? new Store(file) : null;
  try {
    return await makePlan(config, {
      stateDir: options.stateDir,
      socketDir: '(sockets)',
      agents: store === null ? [] : new AgentTable(store).all(),
      running: new Set(),
      events: store === null ? { list: () => [] } : new EventReader(store),
    });
  } finally {
    store?.close();
  }
}
