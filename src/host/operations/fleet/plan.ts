/**
 * `aether plan`: what would change, and exactly what each engine would be given, before anything runs. Writes
 * nothing. Secrets are masked here, at the source: what leaves this file may be shown, logged and stored.
 */
import type { AgentSpec, LaunchSpec, RunPlace, Runtime } from '../../../runtimes/runtime.ts';
import type { TurnHabits } from '../../../runtimes/turn-habits.ts';
import type { PlanChange, PlannedLaunch, PlannedMemory, PlannedSandbox, PlanView } from '../../api.ts';
import { type ConfigDiff, diffConfig } from '../../config/diff.ts';
import { describedEndpoint } from '../../config/embeddings.ts';
import { Mask } from '../../config/mask.ts';
import type { AgentConfig, Config, MemorySettings } from '../../config/types.ts';
import { AetherError, toWireError, type WireError } from '../../errors.ts';
import { gapsOf } from '../../runs/gaps.ts';
import type { SandboxChoice } from '../../sandboxes/choice.ts';
import { writableByAgents } from '../launch/box-sources.ts';
import { planBoxes } from '../launch/boxed.ts';
import type { HostPlaces } from '../launch/boxes.ts';
import { loadedByAll } from '../launch/kept.ts';

export interface PlanInput {
  config: Config;
  /** What is in force now, by name. */
  applied: ReadonlyMap<string, AgentConfig>;
  /** Names of agents with a live run. */
  running: ReadonlySet<string>;
  /** @throws AetherError for an agent that cannot start */
  resolve(agent: AgentConfig): AgentSpec;
  /** @throws AetherError for an unknown name */
  runtime(name: string): Runtime;
  /** Where a run of this agent would live; nothing of it needs to exist. */
  place(agent: string): RunPlace;
  /** @throws AetherError where the agent does not start without a sandbox */
  chooseSandbox(agent: AgentConfig): Promise<SandboxChoice>;
  host: Omit<HostPlaces, 'shared'>;
  /** Where the conversation, begun by hand, is of which it has a copy; null: it goes on with none. */
  adopted(agent: AgentConfig): string | null;
  /** Where `${VAR}` comes from, to recognise its values elsewhere. Default: the host's own. */
  environment?: Record<string, string | undefined>;
}

/** Problems of one agent are in its own change; the others are planned all the same. */
export async function planFleet(input: PlanInput): Promise<PlanView> {
  const { config, applied } = input;
  const changes: PlanChange[] = [];
  for (const agent of config.agents) changes.push(await planAgent(agent, input));
  const kept = new Set(config.agents.map((agent) => agent.name));
  for (const [name, old] of applied) {
    if (kept.has(name)) continue;
    const { action, changed, why } = diffConfig(old, null);
    changes.push({ agent: name, action, changed, why, launch: null, problem: null });
  }
  const memory = plannedMemory(config.memory);
  return { configFile: config.file, changes, memory, warnings: [...config.warnings] };
}

export function plannedMemory(settings: MemorySettings): PlannedMemory {
  const { recall_tokens, memories_per_scope_max, bytes_per_scope_max, embeddings } = settings;
  return {
    ...{ recall_tokens, memories_per_scope_max, bytes_per_scope_max },
    embeddings: embeddings === undefined ? null : describedEndpoint(embeddings),
  };
}

async function planAgent(agent: AgentConfig, input: PlanInput): Promise<PlanChange> {
  const difference = effective(
    diffConfig(input.applied.get(agent.name) ?? null, agent),
    input.running.has(agent.name),
  );
  const change = { agent: agent.name, ...difference };
  const mask = new Mask(agent, input.environment ?? process.env);
  try {
    const spec = input.resolve(agent);
    mask.add(spec);
    const place = input.place(agent.name);
    const runtime = input.runtime(agent.runtime);
    const launch = await runtime.prepare(spec, place, null, null);
    const sandbox = await planSandbox(agent, place, launch, input);
    const described = describeLaunch(agent, spec, place, launch, sandbox, mask);
    const { memory_bytes = null } = runtime.capabilities;
    const recall = recallOf(runtime, input.config);
    const io = ioOf(launch, input.config);
    const turns = habitsOf(runtime, sandbox);
    const adopted = input.adopted(agent);
    return { ...change, launch: { ...described, io, turns, memory_bytes, recall, adopted }, problem: null };
  } catch (error) {
    return { ...change, launch: null, problem: maskProblem(error, mask) };
  }
}

/** A restart of what does not run is none. */
function effective(
  { action, changed, why }: ConfigDiff,
  running: boolean,
): Pick<PlanChange, 'action' | 'changed' | 'why'> {
  if (action !== 'restart' || running) return { action, changed, why };
  return { action: 'change', changed, why: `${why}; it is not running, so this applies from its next start` };
}

async function planSandbox(
  agent: AgentConfig,
  place: RunPlace,
  launch: LaunchSpec,
  { config, chooseSandbox, host, runtime, place: placeOf }: PlanInput,
): Promise<PlannedSandbox> {
  const choice = await chooseSandbox(agent);
  const { kind, why, missing } = choice;
  const shared = writableByAgents(config.agents, host.stateDir);
  const loaded = loadedByAll(config.agents, runtime, placeOf);
  const basis = { config: agent, choice, place, launch, host: { ...host, shared } };
  const { sandbox } = await planBoxes(basis, runtime(agent.runtime), loaded);
  const { boxes, network: reaches = '', ports = [], kept = [] } = sandbox;
  const { write, read, hidden = [], network, debug = false } = boxes[0]!;
  const gaps = gapsOf({ agent: agent.name, sandbox }, []).map((gap) => gap.why);
  const both = { kind, why, reaches, ports, debug, gaps, missing };
  if (kind === 'none') return { ...both, write: [], read: [], kept: [], hidden: [], network: 'shared' };
  return { ...both, write, read: read.filter((path) => !kept.includes(path)), kept, hidden, network };
}

/** What only a sandbox enforces is observed without one. */
function habitsOf({ capabilities: { turns } }: Runtime, { gaps }: PlannedSandbox): TurnHabits | null {
  if (turns === undefined) return null;
  const weak = gaps.length > 0 && turns.asks.grade === 'enforced';
  return weak ? { ...turns, asks: { ...turns.asks, grade: 'observed' } } : turns;
}

function ioOf({ process: { io } }: LaunchSpec, { terminal }: Config): string {
  if (io.kind === 'pipes') return 'pipes';
  return `terminal ${io.cols}×${io.rows}, ${terminal.scrollback_lines} lines above it kept`;
}

/** When it is given what is remembered, in words. */
function recallOf({ capabilities }: Runtime, { memory }: Config): string {
  const { recall_tokens } = memory;
  if (recall_tokens === 0) return 'given nothing unasked (memory.recall_tokens is 0)';
  const moments = { start: 'when it starts', compaction: 'when its engine has summarised the conversation' };
  const given = (capabilities.recall ?? []).map((at) => moments[at]);
  return given.length === 0
    ? 'given nothing unasked: this runtime has no way to'
    : `given up to ${recall_tokens} tokens of it ${given.join(', and ')}`;
}

function describeLaunch(
  agent: AgentConfig,
  spec: AgentSpec,
  place: RunPlace,
  launch: LaunchSpec,
  sandbox: PlannedSandbox,
  mask: Mask,
): Omit<PlannedLaunch, 'io' | 'turns' | 'memory_bytes' | 'recall' | 'adopted'> {
  const { argv, env, cwd } = launch.process;
  return {
    runtime: agent.runtime,
    argv: argv.map((word) => mask.text(word)),
    env: Object.fromEntries(
      Object.entries(env).map(([name, value]) => [name, mask.variable(name, value, launch.secretEnv)]),
    ),
    cwd,
    files: launch.files.map((file) => ({
      path: mask.text(file.path),
      mode: file.mode.toString(8).padStart(4, '0'),
      content: file.secret ? mask.whole(`${Buffer.byteLength(file.content)} bytes`) : mask.text(file.content),
    })),
    mcp: { command: place.mcp.command, args: [...place.mcp.args], tools: spec.tools ?? 'all' },
    auth: mask.text(launch.authNote),
    messages: launch.messagesNote ?? null,
    repository: launch.repository === undefined ? null : maskRepository(launch.repository, mask),
    sandbox,
  };
}

function maskRepository(
  { trusted, items }: NonNullable<LaunchSpec['repository']>,
  mask: Mask,
): PlannedLaunch['repository'] {
  return { trusted, items: items.map((item) => ({ ...item, what: mask.text(item.what) })) };
}

function maskProblem(error: unknown, mask: Mask): WireError {
  const wire = toWireError(error);
  if (!(error instanceof AetherError)) return wire;
  const text = mask.text(JSON.stringify(wire));
  return JSON.parse(text) as WireError;
}
