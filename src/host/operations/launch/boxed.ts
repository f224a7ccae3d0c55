/**
 * A process of a run as it is started in its box. An engine that asks the host before its tools run is started from an
 * execute-only copy of its program: otherwise programs that it starts could write its memory and answer in place of the
 * host.
 */
import { join } from 'node:path';
import type { LaunchSpec, LoadedPath, Runtime } from '../../../runtimes/runtime.ts';
import type { Run } from '../../runs/run.ts';
import { engineProgram } from '../../sandboxes/engine-program.ts';
import type { ProcessSpec } from '../../shim/shim-protocol.ts';
import type { RunSandbox } from '../../store/run-sandbox.ts';
import type { Wiring } from '../wiring.ts';
import { requireNoLinks, requireShown, writableByAgents } from './box-sources.ts';
import { type BoxesBasis, boxesFor } from './boxes.ts';
import { configurationOf } from './cover-config.ts';
import { type Kept, keptOf, loadedByAll, makeKept } from './kept.ts';
import { placeOfRun } from './run-places.ts';

/** Why the tools of an engine that asks before each can reach into it; undefined where it runs from a copy. */
async function openEngine(
  { capabilities }: Pick<Runtime, 'capabilities'>,
  { process }: Pick<LaunchSpec, 'process'>,
): Promise<string | undefined> {
  if (capabilities.engine !== 'structured') return undefined;
  const program = await engineProgram(process);
  return program.file === null ? program.why : undefined;
}

export interface RunBoxes {
  sandbox: RunSandbox;
  kept: Kept;
}

/** What is decided of the boxes of a run before it begins. Makes nothing. @throws AetherError where a path cannot be shown */
export async function planBoxes(
  basis: BoxesBasis,
  runtime: Pick<Runtime, 'capabilities'>,
  loaded: readonly LoadedPath[],
): Promise<RunBoxes> {
  const { config, choice, launch, host } = basis;
  const sandbox = boxesFor(basis);
  if (choice.kind === 'none') return { sandbox, kept: { paths: [], missing: [] } };
  const kept = keptOf(
    sandbox.boxes.flatMap((box) => box.write),
    loaded,
    host.stateDir,
  );
  const boxes = sandbox.boxes.map((box) => ({ ...box, read: [...box.read, ...kept.paths] }));
  for (const spec of boxes) requireShown(config, spec);
  const open = await openEngine(runtime, launch);
  return {
    sandbox: { ...sandbox, boxes, kept: kept.paths, ...(open === undefined ? {} : { openEngine: open }) },
    kept,
  };
}

/** The same for a run of this host, with what has to be there for it. @throws as planBoxes, `path.in-the-way` */
export async function boxesOfRun(
  wiring: Pick<
    Wiring,
    | 'agents'
    | 'runs'
    | 'runtime'
    | 'stateDir'
    | 'socketDir'
    | 'configFile'
    | 'programCopies'
    | 'bridge'
    | 'userHome'
    | 'path'
  >,
  { config, choice, place, launch }: Omit<BoxesBasis, 'host'>,
): Promise<RunSandbox> {
  const { agents, stateDir, socketDir, configFile } = wiring;
  const all = [...agents.all().map((agent) => agent.config), config];
  const shared = writableByAgents(all, stateDir);
  const programs = wiring.programCopies.directory;
  const host = { stateDir, socketDir, configFile, programs, shared };
  const loaded = loadedByAll(all, wiring.runtime, (agent) => placeOfRun(wiring, agent, place.run));
  const basis = { config, choice, place, launch, host };
  const { sandbox, kept } = await planBoxes(basis, wiring.runtime(config.runtime), loaded);
  const write = sandbox.boxes.flatMap((box) => box.write);
  const made = makeKept(
    kept,
    write,
    wiring.runs.live().map(({ record }) => record.sandbox),
  );
  const file = configurationOf(sandbox, configFile);
  return {
    ...sandbox,
    ...(made.length === 0 ? {} : { made }),
    ...(file === null ? {} : { config: file }),
  };
}

/** @throws AetherError `program.copy-failed`, `path.in-the-way` */
export async function boxed(
  { programCopies, agents }: Pick<Wiring, 'programCopies' | 'agents'>,
  run: Run,
  process: ProcessSpec,
): Promise<ProcessSpec> {
  const box = run.box('engine');
  const agent = agents.find(run.record.agent);
  if (agent !== undefined && run.record.sandbox.name !== 'none') requireNoLinks(agent.config, box.spec);
  // Unconfined, it has the capabilities of its user, or that user's debugger beside it.
  if (run.record.sandbox.name === 'none' || run.runtime.capabilities.engine !== 'structured')
    return box.wrap(process);
  const program = await engineProgram(process);
  if (program.file === null) return box.wrap(process);
  const copy = await programCopies.of(program.file);
  return box.wrap({ ...process, argv: program.argv(join(programCopies.directory, copy)) });
}
