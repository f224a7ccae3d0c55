/**
 * The reference for starting an engine: the very command line, environment and files that the product gave it,
 * in directories of its own, started by hand; its MCP server is the bare one.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const STOP_MS = 10_000;

export class EngineByHand {
  readonly #argv: string[];
  readonly #env: Record<string, string>;
  readonly #cwd: string;

  /**
   * @param pid the engine as the product started it; alive
   * @param agentDir what the product keeps for that agent between runs
   * @param dir where the copy lives; must not exist
   */
  constructor(pid: number, agentDir: string, dir: string, bareServer: readonly string[]) {
    const workspace = readlinkSync(`/proc/${pid}/cwd`);
    this.#cwd = join(dir, 'workspace');
    mkdirSync(this.#cwd, { recursive: true });
    const copy = join(dir, 'agent');
    // Without its conversations, which are not what a start needs, and its pipes, which cannot be copied.
    cpSync(join(agentDir, 'claude', '.claude.json'), join(copy, 'claude', '.claude.json'));
    for (const name of ['home', 'tmp']) mkdirSync(join(copy, name), { recursive: true });
    const moved = (text: string) => text.replaceAll(agentDir, copy).replaceAll(workspace, this.#cwd);
    const trust = join(copy, 'claude', '.claude.json');
    writeFileSync(trust, moved(readFileSync(trust, 'utf8')));

    this.#env = Object.fromEntries(
      zeroSeparated(`/proc/${pid}/environ`)
        .map((entry) => entry.split(/=(.*)/s).slice(0, 2) as [string, string])
        .filter(([name]) => !name.startsWith('AETHER_'))
        .map(([name, value]) => [name, moved(value)]),
    );
    const argv = zeroSeparated(`/proc/${pid}/cmdline`).map(moved);
    const replace = (option: string, value: (old: string) => string) => {
      const at = argv.indexOf(option);
      if (at < 0) throw new Error(`the engine was started without ${option}: ${argv.join(' ')}`);
      argv[at + 1] = value(argv[at + 1]!);
    };
    replace('--settings', (file) => this.#write(dir, 'settings.json', moved(readFileSync(file, 'utf8'))));
    replace('--mcp-config', (file) => {
      const config = JSON.parse(readFileSync(file, 'utf8')) as { mcpServers: { aether: object } };
      const [command, ...args] = bareServer;
      config.mcpServers.aether = { ...config.mcpServers.aether, command, args };
      return this.#write(dir, 'mcp.json', JSON.stringify(config));
    });
    this.#argv = argv;
  }

  /** A new conversation that begins with this message. */
  start(text: string): ChildProcess {
    const argv = [...this.#argv];
    argv[argv.indexOf('--session-id') + 1] = randomUUID();
    const [file, ...args] = argv;
    const child = spawn(file!, args, {
      cwd: this.#cwd,
      env: this.#env,
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    child.stdin!.on('error', () => undefined); // it ended early: the request that does not come says so
    const message = { type: 'user', uuid: randomUUID(), message: { role: 'user', content: text } };
    child.stdin!.write(`${JSON.stringify(message)}\n`);
    return child;
  }

  async stop(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, 'exit');
    child.stdin!.end();
    const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await closed;
    clearTimeout(late);
  }

  #write(dir: string, name: string, text: string): string {
    const file = join(dir, name);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  }
}

function zeroSeparated(file: string): string[] {
  return readFileSync(file, 'utf8').split('\0').slice(0, -1);
}
