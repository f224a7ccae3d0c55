/**
 * AgentConfig + the host's environment → AgentSpec, at launch and for `plan`. The only place where `${VAR}` and
 * the log-in become values. Everything wrong with one agent is one error; the others are not touched.
 */
import { dirname, join } from 'node:path';
import type { Environment, Fault } from '../../runtimes/definition.ts';
import { definitionOf } from '../../runtimes/installed.ts';
import type { AgentSpec } from '../../runtimes/runtime.ts';
import { AetherError } from '../errors.ts';
import { homeOf } from '../written-path.ts';
import { resolveAuth } from './auth.ts';
import { execFaults } from './exec-bounds.ts';
import { deepFreeze } from './freeze.ts';
import { directoryFault } from './paths.ts';
import type { AgentConfig, Config } from './types.ts';
import { fleetBelow, unfitToWrite } from './unfit.ts';
import { lookUp, parseValue } from './variables.ts';

/**
 * Reads variables and key files; writes nothing, and does not create the workspace.
 * @param config says where the agent stands in the file, for the error; optional
 * @param stateDir of its own fleet, which may lie in its workspace
 * @returns frozen; holds secrets in `env` and `auth`
 * @throws AetherError who 'config', code `config.*` of the first problem, details {agent, file?, line?, column?, problems}
 */
export function resolveAgent(
  agent: AgentConfig,
  environment: Environment,
  config?: Pick<Config, 'file' | 'positions'>,
  stateDir?: string,
): AgentSpec {
  const faults: Fault[] = [];
  const env = resolveEnv(agent, environment, faults);
  const auth = resolveAuth(agent, env, environment);
  if ('code' in auth) faults.push(auth);
  const rules = definitionOf(agent.runtime).config;
  const resolved = rules.resolve(agent.options, env.PATH ?? environment.PATH ?? '/usr/bin:/bin');
  const options = isFault(resolved) ? null : resolved;
  if (isFault(resolved)) faults.push(resolved);
  faults.push(...execFaults(env, rules.execTexts(agent.options, agent.goal)));
  const blocked = directoryFault(agent.workspace);
  if (blocked)
    faults.push({
      code: 'workspace',
      path: ['workspace'],
      message: `Its workspace cannot be a directory: ${blocked.message}.`,
      next: blocked.next,
    });
  // Again: what its path leads to may be another place by now.
  const own = [stateDir, config && join(dirname(config.file), '.aether')].filter((dir) => dir !== undefined);
  const unfit = unfitToWrite(agent.workspace, homeOf(process.env)) ?? fleetBelow(agent.workspace, own);
  if (unfit !== null)
    faults.push({
      code: 'workspace-unfit',
      path: ['workspace'],
      message: `Its workspace ${agent.workspace} ${unfit.message}.`,
      next: unfit.next,
    });
  if (faults.length > 0 || 'code' in auth || options === null) throw agentError(agent.name, faults, config);
  return deepFreeze({
    name: agent.name,
    runtime: agent.runtime,
    role: agent.role,
    goal: agent.goal,
    model: agent.model,
    workspace: agent.workspace,
    // A log-in that was written below env is handed over as auth alone.
    env: Object.fromEntries(Object.entries(env).filter(([name]) => !(name in auth.variables))),
    auth: auth.variables,
    inherit: { ...agent.inherit },
    trust: agent.trust === true,
    permissions: {
      mode: agent.permissions.mode,
      allow: [...agent.permissions.allow],
      deny: [...agent.permissions.deny],
    },
    tools: agent.tools && [...agent.tools],
    limits: { ...agent.limits },
    // A copy: what is stored with the agent is not frozen.
    options: structuredClone(options),
  });
}

/** Options are JSON of the runtime's own, in which `message` and `next` have no place beside `code`. */
function isFault(resolved: Record<string, unknown> | Fault): resolved is Fault {
  return 'code' in resolved && 'message' in resolved && 'next' in resolved;
}

function resolveEnv(agent: AgentConfig, environment: Environment, faults: Fault[]): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, written] of Object.entries(agent.env)) {
    const parts = parseValue(written);
    // Only a stored configuration of another version can fail here: loading checks the form.
    if (!Array.isArray(parts)) {
      faults.push({
        code: 'env-value',
        path: ['env', name],
        message: `In env.${name} ${parts.fault}.`,
        next: 'Correct it in the configuration file.',
      });
      continue;
    }
    const missing = parts.flatMap((part) =>
      'variable' in part && lookUp(environment, part.variable) === undefined ? [part.variable] : [],
    );
    for (const variable of missing)
      faults.push({
        code: 'variable-undefined',
        path: ['env', name],
        message: `env.${name} takes \${${variable}}, which is not set where aether runs.`,
        next: `Set ${variable} in the environment of aether and start it again, or write the value.`,
      });
    env[name] = parts
      .map((part) => ('text' in part ? part.text : (lookUp(environment, part.variable) ?? '')))
      .join('');
  }
  return env;
}

function agentError(
  agent: string,
  faults: readonly Fault[],
  config: Pick<Config, 'file' | 'positions'> | undefined,
): AetherError {
  const [first] = faults;
  if (!first) throw new Error('agentError needs a fault');
  const own = `agents.${agent}`;
  const position = config?.positions[[own, ...first.path].join('.')] ?? config?.positions[own];
  const place = config && position ? `${config.file}:${position.line}:${position.column}: ` : '';
  const also = faults.slice(1).map((fault) => `\n  also: ${fault.message}`);
  return new AetherError({
    code: `config.${first.code}`,
    who: 'config',
    message: `${place}Agent ${agent} cannot start. ${first.message}${also.join('')}`,
    next: first.next,
    details: {
      agent,
      ...(config && position ? { file: config.file, ...position } : {}),
      problems: faults.map(({ code, path, message, next }) => ({
        code: `config.${code}`,
        path: [own, ...path].join('.'),
        message,
        next,
      })),
    },
  });
}
