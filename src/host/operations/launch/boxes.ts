/**
 * Where a run executes: the kind of its sandbox, and what of the host's directories each of its boxes shows. Kept in the
 * run's record, so that a later host finds the boxes whatever its configuration says by then.
 */
import { dirname, isAbsolute, join } from 'node:path';
import type { LaunchSpec, RunPlace } from '../../../runtimes/runtime.ts';
import { sandboxOf } from '../../config/sandbox.ts';
import type { AgentConfig } from '../../config/types.ts';
import { limits } from '../../limits.ts';
import type { SandboxChoice } from '../../sandboxes/choice.ts';
import { SYSTEM, within } from '../../sandboxes/mounts.ts';
import { programFiles, toolchainsOf } from '../../sandboxes/toolchains.ts';
import type { RunSandbox } from '../../store/run-sandbox.ts';
import { networkSpec, networkWords, portUrls, proxyVariables } from './network.ts';

/** What the host itself has on the disk. */
export interface HostPlaces {
  /** Directories that any agent can write: see BoxSpec. */
  shared: string[];
  stateDir: string;
  /** Of all its sockets. */
  socketDir: string;
  configFile: string | null;
  /** Execute-only copies of engines. */
  programs: string;
}

export interface BoxesBasis {
  config: AgentConfig;
  choice: SandboxChoice;
  place: RunPlace;
  launch: LaunchSpec;
  host: HostPlaces;
}

/** Below the directory of a run: what no process of it can write. */
export const OWN_DIRECTORY = 'box';
const JOURNAL = 'journal';

export function boxesFor({ config, choice, place, launch, host }: BoxesBasis): RunSandbox {
  const sandbox = sandboxOf(config);
  const { env, argv } = launch.process;
  const write = unique([config.workspace, ...launch.uses.write, ...sandbox.write]);
  const program = isAbsolute(argv[0]!) ? programFiles(argv[0]!, place.userHome) : [];
  const bridge = [place.mcp.command, ...place.mcp.args].filter((word) => isAbsolute(word));
  const toolchains = sandbox.toolchains
    ? toolchainsOf(env.PATH ?? place.path, place.userHome, SYSTEM).slice(0, limits.sandbox_toolchains_max)
    : [];
  // What they need may lie in the workspace: there it stays writable.
  const used = [host.programs, ...launch.uses.read].flatMap((path) => programFiles(path, place.userHome));
  const needed = [...program, ...bridge, ...used, ...toolchains].filter(
    // Not so what lies in the state directory: that is hidden, also where it is part of the workspace.
    (path) => within(path, host.stateDir) || ![...write, ...SYSTEM].some((top) => within(path, top)),
  );
  // An agent that could write it would be told by itself what it may do.
  const fixed =
    host.configFile !== null && write.some((top) => within(host.configFile!, top)) ? [host.configFile] : [];
  const sockets = dirname(place.mcpCommand);
  const confined = choice.kind !== 'none';
  const network = confined ? networkSpec(config, launch) : null;
  const ports = network === null ? [] : portUrls(host.stateDir, config);
  return {
    name: choice.kind,
    why: choice.why,
    network: networkWords(config, confined),
    ports,
    boxes: [
      {
        run: place.run,
        name: 'engine',
        write,
        read: unique([...needed, place.runDir, sockets, ...sandbox.read, ...fixed]),
        hidden: [host.stateDir, host.socketDir, join(place.runDir, JOURNAL)],
        shared: host.shared,
        own: join(place.runDir, OWN_DIRECTORY),
        network: network === null ? 'shared' : 'own',
        ...(network === null ? {} : { env: proxyVariables(network) }),
        ...(sandbox.debug ? { debug: true as const } : {}),
      },
    ],
  };
}

const unique = (paths: readonly string[]): string[] => [...new Set(paths)];
