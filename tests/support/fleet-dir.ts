/** A directory with an aether.yaml and what its agents run, for tests of the command with a real host. */
import { mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bringDown } from '../../src/host/cli/verbs/down.ts';
import { ControlClient } from '../../src/host/control/client.ts';
import { recordedRuntimeDirectory, socketPaths, statePaths } from '../../src/host/paths.ts';
import { runtimeDirectory } from '../../src/host/process/sockets.ts';
import { type CliOptions, type CliResult, cli, type RunningCli, startCli } from './cli.ts';

export interface FleetDir {
  dir: string;
  stateDir: string;
  configFile: string;
  write(name: string, text: string): string;
  aether(...args: string[]): Promise<CliResult>;
  start(args: string[], options?: CliOptions): RunningCli;
  /** Null when host.pid is not there. */
  hostPid(): number | null;
  /** To the host, for what the command is not the question of: its process costs more than what it asks. */
  connect(): Promise<ControlClient>;
  /** Brings down what still runs, and removes everything. */
  close(): Promise<void>;
}

/** @param config text of aether.yaml, without defaults; its agents are in no sandbox */
export function fleetDir(config: string, parent = tmpdir()): FleetDir {
  const dir = realpathSync(mkdtempSync(join(parent, 'aether-fleet-')));
  const stateDir = join(dir, '.aether');
  const configFile = join(dir, 'aether.yaml');
  // Last, so that every line keeps its number.
  writeFileSync(configFile, `${config.trimEnd()}\ndefaults: { sandbox: none }\n`);
  const options = { cwd: dir, deadline_ms: 60_000 };
  const fleet: FleetDir = {
    dir,
    stateDir,
    configFile,
    write(name, text) {
      const file = join(dir, name);
      writeFileSync(file, text, { mode: 0o755 });
      return file;
    },
    aether: (...args) => cli(args, options),
    start: (args, more) => startCli(args, { ...options, ...more }),
    hostPid() {
      const file = statePaths(stateDir).pid;
      try {
        return statSync(file).isFile() ? Number(readFileSync(file, 'utf8')) : null;
      } catch {
        return null; // no host has written it, or the last one has ended
      }
    },
    connect: () => ControlClient.connect(socketPaths(recordedRuntimeDirectory(stateDir)!).control, stateDir),
    async close() {
      const pid = fleet.hostPid();
      if (pid !== null && isAlive(pid)) await bringDown(await fleet.connect());
      const sockets = recordedRuntimeDirectory(stateDir) ?? runtimeDirectoryOf(stateDir);
      if (sockets !== null) rmSync(sockets, { recursive: true, force: true });
      rmSync(dir, { recursive: true, force: true });
    },
  };
  return fleet;
}

function runtimeDirectoryOf(stateDir: string): string | null {
  try {
    return runtimeDirectory(stateDir, {});
  } catch {
    return null; // there never was a state directory
  }
}

/** True while the process exists and is no zombie. */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'Z';
  } catch {
    return false;
  }
}
