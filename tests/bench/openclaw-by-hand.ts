/**
 * The reference for OpenClaw: the same package with the environment and the configuration that the product gave it, in
 * directories of its own, started by hand. Its MCP server is the bare one, and the plugin that asks a host is left out.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { descendants } from '../../src/host/process/proc.ts';
import { GatewayClient } from './gateway-client.ts';

const START_MS = 240_000;
const STOP_MS = 10_000;
const GATE = 'aether-gate';

interface Configuration {
  gateway: { auth: { token: string } };
  mcp: { servers: { aether: { command: string; args: string[] } } };
  plugins: { allow: string[]; load: { paths: string[] }; entries: Record<string, unknown> };
  agents: { defaults: { workspace: string } };
  logging: { file: string };
}

export class OpenClawByHand {
  readonly #program: string;
  readonly #env: Record<string, string>;
  readonly #workspace: string;
  readonly #state: string;
  readonly #dir: string;

  /**
   * @param pid the engine as the product started it; alive
   * @param program the script of the package
   * @param dir where it lives; must not exist
   */
  constructor(pid: number, program: string, dir: string, bareServer: readonly string[]) {
    this.#program = program;
    this.#dir = dir;
    this.#workspace = join(dir, 'workspace');
    // A gateway and a command that stands alone do not share a state.
    this.#state = join(dir, 'exec');
    const [home, tmp, config] = [join(dir, 'home'), join(dir, 'tmp'), join(dir, 'openclaw.json')];
    for (const made of [this.#workspace, this.#state, home, tmp]) mkdirSync(made, { recursive: true });
    const given = environmentOf(pid);
    writeFileSync(config, JSON.stringify(this.#configuration(given.OPENCLAW_CONFIG_PATH!, tmp, bareServer)), {
      mode: 0o600,
    });
    this.#env = {
      ...given,
      HOME: home,
      TMPDIR: tmp,
      OPENCLAW_STATE_DIR: join(dir, 'gateway'),
      OPENCLAW_CONFIG_PATH: config,
      OPENCLAW_GATEWAY_TOKEN: randomBytes(16).toString('hex'),
    };
    // The product has it off because agents could replace what is kept there; by hand it is on.
    delete this.#env.NODE_DISABLE_COMPILE_CACHE;
  }

  #configuration(file: string, tmp: string, bareServer: readonly string[]): Configuration {
    const config = JSON.parse(readFileSync(file, 'utf8')) as Configuration;
    const [command, ...args] = bareServer;
    config.mcp.servers.aether = { command: command!, args };
    config.plugins.allow = config.plugins.allow.filter((name) => name !== GATE);
    config.plugins.load.paths = [];
    delete config.plugins.entries[GATE];
    config.agents.defaults.workspace = this.#workspace;
    config.logging.file = join(tmp, 'openclaw.log');
    return config;
  }

  /** `openclaw agent exec`: one turn in a state of its own, which is kept from one to the next. */
  exec(text: string): ChildProcess {
    const options = ['--config', this.#env.OPENCLAW_CONFIG_PATH!, '--state-dir', this.#state];
    return this.#start(['agent', 'exec', text, '--cwd', this.#workspace, '--json', ...options]);
  }

  /** A gateway, and a client of it in a conversation. */
  async gateway(): Promise<{ client: GatewayClient; close(): Promise<void> }> {
    const port = await freePort();
    const child = this.#start(['gateway', 'run', '--port', String(port)]);
    const token = this.#env.OPENCLAW_GATEWAY_TOKEN!;
    for (const end = Date.now() + START_MS; ; await sleep(200)) {
      const client = await GatewayClient.connect(port, token).catch(() => null);
      if (client !== null) {
        await client.open('agent:main:bench', this.#workspace);
        return {
          client,
          close: async () => {
            client.close();
            await this.stop(child);
          },
        };
      }
      if (child.exitCode !== null || Date.now() > end) {
        await this.stop(child);
        throw new Error('the gateway that was started by hand does not answer');
      }
    }
  }

  /** It, and what it has started. */
  async stop(child: ChildProcess): Promise<void> {
    const tree = descendants(child.pid!);
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await ended;
      clearTimeout(late);
    }
    for (const { pid } of tree) killIfThere(pid, this.#dir);
  }

  #start(args: string[]): ChildProcess {
    return spawn(process.execPath, [this.#program, ...args], {
      cwd: this.#workspace,
      env: this.#env,
      stdio: 'ignore',
      detached: true,
    });
  }
}

/** @param dir in its environment: its pid may be another's by now */
function killIfThere(pid: number, dir: string): void {
  try {
    if (readFileSync(`/proc/${pid}/environ`, 'utf8').includes(dir)) process.kill(pid, 'SIGKILL');
  } catch {
    return; // it has ended
  }
}

function environmentOf(pid: number): Record<string, string> {
  const entries = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').slice(0, -1);
  return Object.fromEntries(
    entries
      .map((entry) => entry.split(/=(.*)/s).slice(0, 2) as [string, string])
      .filter(([name]) => !name.startsWith('AETHER_')),
  );
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
