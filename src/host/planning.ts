/** The plan of a configuration file: against a running host, or against what a state directory holds. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { PlanView } from './api.ts';
import { loadConfig } from './config/load.ts';
import { resolveAgent } from './config/resolve.ts';
import type { AgentConfig, Config } from './config/types.ts';
import { bridgeTo, runtimeNamed } from './installation.ts';
import { planFleet } from './operations/fleet/plan.ts';
import { statePaths } from './paths.ts';
import { AgentTable } from './store/agents.ts';
import { Store } from './store/store.ts';

/** What the plan is made against. */
export interface PlanBasis {
  stateDir: string;
  socketDir: string;
  applied: Map<string, AgentConfig>;
  /** Names of agents that have a live run. */
  running: Set<string>;
}

export function makePlan(
  config: Config,
  { stateDir, socketDir, applied, running }: PlanBasis,
): Promise<PlanView> {
  return planFleet({
    config,
    applied,
    running,
    resolve: (agent) => resolveAgent(agent, process.env, config),
    runtime: runtimeNamed,
    place: (agent) => ({
      run: 'RUN',
      agentDir: path.join(stateDir, 'agents', agent),
      runDir: path.join(stateDir, 'runs', 'RUN'),
      mcp: bridgeTo(path.join(socketDir, 'RUN', 'mcp.sock')),
      mcpCommand: path.join(socketDir, 'RUN', 'mcp'),
      userHome: os.homedir(),
      path: process.env.PATH ?? '/usr/bin:/bin',
    }),
  });
}

/** The plan against what the state directory holds, without writing there. */
export async function planWithoutHost(options: { configFile: string; stateDir: string }): Promise<PlanView> {
  const config = loadConfig(options.configFile);
  const file = statePaths(options.stateDir).database;
  const applied = new Map<string, AgentConfig>();
  if (fs.existsSync(file)) {
    const store = new Store(file);
    for (const agent of new AgentTable(store).all()) applied.set(agent.name, agent.config);
    store.close();
  }
  return makePlan(config, {
    stateDir: options.stateDir,
    socketDir: '(sockets)',
    applied,
    running: new Set(),
  });
}
