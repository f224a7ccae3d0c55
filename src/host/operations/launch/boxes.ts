/**
 * Where a run executes: the kind of its sandbox, and what of the host's directories each of its boxes shows. Kept in the
 * run's record, so that a later host finds the boxes whatever its configuration says by then.
 */
import { dirname, isAbsolute } from 'node:path';
import type { LaunchSpec, RunPlace } from '../../../runtimes/runtime.ts';
import type { RunSandbox } from '../../store/run-sandbox.ts';

/** @param sandbox name of a kind that this version has */
export function boxesFor(
  sandbox: string,
  workspace: string,
  place: RunPlace,
  { process }: LaunchSpec,
): RunSandbox {
  const write = [workspace, place.agentDir, place.runDir];
  // Its program, Node, the bridge, and the sockets of the run.
  const programs = [process.argv[0], place.mcp.command, ...place.mcp.args, place.mcpCommand];
  const read = programs
    .filter((text) => text !== undefined && isAbsolute(text))
    .map((file) => dirname(file!));
  return {
    name: sandbox,
    boxes: [{ run: place.run, name: 'engine', write, read: [...new Set(read)], network: 'shared' }],
  };
}
