/** The paths of a run. They follow from its id, so the host after a dead one finds them. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { RunPlace } from '../../../runtimes/runtime.ts';
import type { RunPaths } from '../../runs/run.ts';
import type { Wiring } from '../wiring.ts';

const SHIM_SUFFIX = '.shim.sock';

export function pathsOfRun(
  { stateDir, socketDir }: Pick<Wiring, 'stateDir' | 'socketDir'>,
  run: string,
): RunPaths {
  const runDir = path.join(stateDir, 'runs', run);
  // Processes of the run see this directory; the socket of its shim is not for them.
  const sockets = path.join(socketDir, run);
  const older = path.join(sockets, 'shim.sock');
  return {
    runDir,
    journal: path.join(runDir, 'journal'),
    // A run that an earlier version started has it among the others.
    shimSocket: existsSync(older) ? older : path.join(socketDir, `${run}${SHIM_SUFFIX}`),
    doorSocket: path.join(sockets, 'mcp.sock'),
    mcpCommand: path.join(sockets, 'mcp'),
  };
}

/** The run that an entry of the directory of sockets belongs to. */
export function runOfSocket(name: string): string {
  return name.endsWith(SHIM_SUFFIX) ? name.slice(0, -SHIM_SUFFIX.length) : name;
}

export function placeOfRun(
  wiring: Pick<Wiring, 'stateDir' | 'socketDir' | 'bridge' | 'userHome' | 'path'>,
  agent: string,
  run: string,
): RunPlace {
  const paths = pathsOfRun(wiring, run);
  return {
    run,
    agentDir: path.join(wiring.stateDir, 'agents', agent),
    runDir: paths.runDir,
    mcp: wiring.bridge(paths.doorSocket),
    mcpCommand: paths.mcpCommand,
    userHome: wiring.userHome,
    path: wiring.path,
  };
}
