/**
 * Supervisors as peers: each is given the same programs, told to keep them running, and asked to restart one. A
 * program writes its pid into a file when it starts, which is all that is looked at.
 */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ensureInstalled, isInstalled } from '../../src/build/install.mjs';
import { eventually } from '../support/eventually.ts';

const PM2_DIR = fileURLToPath(new URL('supervisors/', import.meta.url));
const run = promisify(execFile);

export interface Supervisor {
  name: string;
  /** Starts the supervisor itself, and nothing under it. */
  begin(): Promise<void>;
  /** Starts the programs; each is a script for sh. */
  start(programs: Record<string, string>): Promise<void>;
  restart(name: string): Promise<void>;
  /** Its own processes: what supervising costs, without what is supervised. */
  processes(): number[];
  close(): Promise<void>;
}

export class Pm2 implements Supervisor {
  readonly name = 'pm2';
  readonly #dir: string;
  readonly #env: Record<string, string>;

  private constructor(dir: string) {
    this.#dir = dir;
    this.#env = { PATH: process.env.PATH ?? '', HOME: dir, PM2_HOME: join(dir, 'pm2') };
  }

  /**
   * @param install when it is not here yet
   * @throws Error when it is not here, or cannot be installed
   */
  static async make(dir: string, install: boolean): Promise<Pm2> {
    if (install) await ensureInstalled(PM2_DIR, 'Installing pm2', { scripts: false });
    else if (!isInstalled(PM2_DIR)) throw new Error('a full run installs it');
    return new Pm2(dir);
  }

  async begin(): Promise<void> {
    await this.#pm2('ping');
  }

  async start(programs: Record<string, string>): Promise<void> {
    const apps = Object.entries(programs).map(([name, script]) => ({
      name,
      script,
      interpreter: '/bin/sh',
      autorestart: true,
    }));
    const file = join(this.#dir, 'pm2.config.json');
    writeFileSync(file, JSON.stringify({ apps }));
    await this.#pm2('start', file);
  }

  async restart(name: string): Promise<void> {
    await this.#pm2('restart', name);
  }

  processes(): number[] {
    const daemon = execFileSync('cat', [join(this.#dir, 'pm2', 'pm2.pid')], { encoding: 'utf8' });
    return [Number(daemon)];
  }

  async close(): Promise<void> {
    await this.#pm2('kill');
  }

  async #pm2(...args: string[]): Promise<void> {
    const program = join(PM2_DIR, 'node_modules', 'pm2', 'bin', 'pm2');
    await run(process.execPath, ['--no-warnings', program, ...args], { env: this.#env, cwd: this.#dir });
  }
}

export class Supervisord implements Supervisor {
  readonly name = 'supervisord';
  readonly #dir: string;
  readonly #config: string;
  #daemon: ChildProcess | null = null;

  constructor(dir: string) {
    this.#dir = dir;
    this.#config = join(dir, 'supervisord.conf');
    mkdirSync(dir, { recursive: true });
  }

  static here(): boolean {
    try {
      execFileSync('supervisord', ['--version'], { stdio: 'ignore' });
      return true;
    } catch {
      return false; // not installed
    }
  }

  async begin(): Promise<void> {
    this.#write({});
    this.#daemon = spawn('supervisord', ['--nodaemon', '-c', this.#config], { stdio: 'ignore' });
    await eventually(
      'supervisord answers',
      () =>
        this.#ctl('pid')
          .then(() => true)
          .catch(() => false),
      20_000,
    );
  }

  async start(programs: Record<string, string>): Promise<void> {
    this.#write(programs);
    await this.#ctl('update');
  }

  async restart(name: string): Promise<void> {
    await this.#ctl('restart', name);
  }

  processes(): number[] {
    return [this.#daemon!.pid!];
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#daemon?.once('exit', resolve));
    await this.#ctl('shutdown');
    await ended;
  }

  #write(programs: Record<string, string>): void {
    const socket = join(this.#dir, 'supervisor.sock');
    const sections = Object.entries(programs).map(
      ([name, script]) => `[program:${name}]\ncommand=/bin/sh ${script}\nautorestart=true\nstopsignal=KILL\n`,
    );
    writeFileSync(
      this.#config,
      `[supervisord]
logfile=${join(this.#dir, 'supervisord.log')}
pidfile=${join(this.#dir, 'supervisord.pid')}
childlogdir=${this.#dir}
[unix_http_server]
file=${socket}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://${socket}
${sections.join('')}`,
    );
  }

  async #ctl(...args: string[]): Promise<void> {
    await run('supervisorctl', ['-c', this.#config, ...args]);
  }
}
