/**
 * A host as `aether up --detach` starts it, and the same wait for its agents, without the command: its process costs a third of
 * what the host does, and only tests of the command itself need it.
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { AgentView } from '../../src/host/api.ts';
import { ANOTHER_HOST, ensureStateDirectory } from '../../src/host/cli/detached-host.ts';
import { applyAndSettle, crash, failure } from '../../src/host/cli/settle.ts';
import type { ControlClient } from '../../src/host/control/client.ts';
import { NO_INSPECTOR } from '../../src/host/node-flags.ts';
import { CLI, commandEnvironment } from './cli.ts';

const BUILT = fileURLToPath(new URL('../../dist/host/cli/main.js', import.meta.url));
const PROGRAM = process.env.AETHER_TEST_DIST === '1' ? BUILT : CLI;
const READY_MS = 30_000;
const POLL_MS = 20;

interface Place {
  project: string;
  stateDir: string;
  configFile: string;
  env: Record<string, string>;
  connect(): Promise<ControlClient>;
}

/** @throws Error when no host comes up, or an agent does not. */
export async function bringUp(place: Place): Promise<void> {
  const client = (await connected(place)) ?? (await started(place));
  try {
    const failed = (await applyAndSettle(client)).flatMap((view) => whyNot(view) ?? []);
    if (failed.length > 0) throw new Error(`aether up: ${failed.join('\n')}`);
  } finally {
    client.close();
  }
}

function whyNot(view: AgentView): string | null {
  const why = failure(view) ?? (view.wanted === 'stopped' ? null : crash(view));
  return why === null ? null : `${view.name}: ${why}`;
}

async function connected(place: Place): Promise<ControlClient | null> {
  try {
    return await place.connect();
  } catch {
    return null; // not yet there, or just gone
  }
}

async function started(place: Place): Promise<ControlClient> {
  ensureStateDirectory(place.stateDir);
  const deadline = Date.now() + READY_MS;
  for (let host = launch(place); ; ) {
    const client = await connected(place);
    if (client !== null) return client;
    if (host.exitCode === ANOTHER_HOST) host = launch(place);
    else if (host.exitCode !== null || host.signalCode !== null || Date.now() > deadline) {
      const said = fs.readFileSync(join(place.stateDir, 'host.out'), 'utf8').slice(-2_000);
      throw new Error(`aether up: the host did not come up: ${host.exitCode ?? host.signalCode}\n${said}`);
    }
    await sleep(host.exitCode === null ? POLL_MS : 10 * POLL_MS);
  }
}

function launch({ stateDir, configFile, env }: Place) {
  const output = fs.openSync(join(stateDir, 'host.out'), 'a', 0o600);
  const args = [NO_INSPECTOR, PROGRAM, 'host', '--state', stateDir, '--file', configFile, '--apply'];
  const host = spawn(process.execPath, args, {
    detached: true,
    env: { ...commandEnvironment, ...env },
    stdio: ['ignore', output, output],
    cwd: stateDir,
  });
  fs.closeSync(output);
  host.unref();
  return host;
}
