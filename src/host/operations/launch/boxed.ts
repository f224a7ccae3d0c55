/**
 * A process of a run as it is started in its box. An engine that asks the host before its tools run is started from an
 * execute-only copy of its program: what it starts itself could otherwise answer for the host in its memory.
 */
import { join } from 'node:path';
import type { LaunchSpec, RunPlace, Runtime } from '../../../runtimes/runtime.ts';
import type { AgentConfig } from '../../config/types.ts';
import type { Run } from '../../runs/run.ts';
import type { SandboxChoice } from '../../sandboxes/choice.ts';
import { engineProgram } from '../../sandboxes/engine-program.ts';
import type { ProcessSpec } from '../../shim/shim-protocol.ts';
import type { RunSandbox } from '../../store/run-sandbox.ts';
import type { Wiring } from '../wiring.ts';
import { requireShown, writableByAgents } from './box-sources.ts';
import { boxesFor } from './boxes.ts';

/** Why the tools of an engine that asks before each can reach into it; undefined where it runs from a copy. */
export async function openEngine(
  { capabilities }: Pick<Runtime, 'capabilities'>,
  { process }: Pick<LaunchSpec, 'process'>,
  sandbox: string,
): Promise<string | undefined> {
  if (sandbox === 'none' || capabilities.engine !== 'structured') return undefined;
  const program = await engineProgram(process);
  return program.file === null ? program.why : undefined;
}

/** @throws AetherError where a path cannot be shown in its box */
export async function boxesOfRun(
  wiring: Pick<Wiring, 'agents' | 'stateDir' | 'socketDir' | 'configFile' | 'programCopies'>,
  config: AgentConfig,
  place: RunPlace,
  launch: LaunchSpec,
  choice: SandboxChoice,
  runtime: Pick<Runtime, 'capabilities'>,
): Promise<RunSandbox> {
  const { agents, stateDir, socketDir, configFile } = wiring;
  const shared = writableByAgents([...agents.all().map((agent) => agent.config), config], stateDir);
  const programs = wiring.programCopies.directory;
  const host = { stateDir, socketDir, configFile, programs, shared };
  const sandbox = boxesFor({ config, choice, place, launch, host });
  if (choice.kind !== 'none') for (const spec of sandbox.boxes) requireShown(config, spec);
  const open = await openEngine(runtime, launch, choice.kind);
  return { ...sandbox, ...(open === undefined ? {} : { openEngine: open }) };
}

/** @throws AetherError `program.copy-failed` */
export async function boxed(
  { programCopies }: Pick<Wiring, 'programCopies'>,
  run: Run,
  process: ProcessSpec,
): Promise<ProcessSpec> {
  const box = run.box('engine');
  // Unconfined, it has the capabilities of its user, or that user's debugger beside it.
  if (run.record.sandbox.name === 'none' || run.runtime.capabilities.engine !== 'structured')
    return box.wrap(process);
  const program = await engineProgram(process);
  if (program.file === null) return box.wrap(process);
  const copy = await programCopies.of(program.file);
  return box.wrap({ ...process, argv: program.argv(join(programCopies.directory, copy)) });
}
