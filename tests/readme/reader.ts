/**
 * Somebody who does what the README says: a fresh clone, an empty home, nothing of the tests' environment, and
 * the Node and npm of this machine. Stands in for the download of the dependencies (the clone borrows those of this
 * checkout) and for the registry (`npx -y aether-host` runs the clone); in the short form also for the build, where
 * this checkout has built the very same sources, and for npx where it has been seen to find the package.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { recordedRuntimeDirectory } from '../../src/host/paths.ts';
import { type CliResult, cli } from '../support/cli.ts';
import { claudeBinary } from '../support/engines.ts';
import { eventually } from '../support/eventually.ts';
import { processes } from '../support/live-fleet.ts';
import { LONG } from '../support/run-tree.ts';

/** Of a real key's form; opens nothing. */
const KEY = 'sk-ant-dummy-readme-0123456789abcdefghijklmnopqrs';

export class Reader {
  readonly root: string;
  /** The checkout of the last commit. */
  readonly clone: string;
  /** The command, in the clone. */
  readonly program: string;
  /** A directory that has nothing to do with it, where the package is installed. */
  readonly project: string;
  readonly home: string;
  /** What `env -i` leaves, with an empty home. */
  readonly env: Record<string, string>;
  /** As above, for one who has Claude Code and a key; its model is the scripted one, on loopback. */
  readonly claudeEnv: Record<string, string>;

  /** @param model URL of the scripted model */
  constructor(checkout: string, model: string) {
    this.root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'ae-')));
    this.clone = join(this.root, 'aether');
    this.project = join(this.root, 'project');
    this.home = join(this.root, 'home');
    const bin = join(this.root, 'bin');
    for (const dir of [this.project, this.home, bin, join(this.root, 'tmp')]) fs.mkdirSync(dir);
    execFileSync('git', ['clone', '--quiet', checkout, this.clone], { timeout: 60_000 });
    borrowModules(join(checkout, 'node_modules'), join(this.clone, 'node_modules'));
    if (!LONG) lendBuild(checkout, this.clone);

    this.program = join(this.clone, 'src', 'host', 'cli', 'aether.cjs');
    const installed = join(this.project, 'node_modules', '.bin');
    fs.mkdirSync(installed, { recursive: true });
    fs.writeFileSync(join(this.project, 'package.json'), '{ "private": true }\n');
    fs.symlinkSync(this.program, join(installed, 'aether'));

    const path = userPath();
    fs.symlinkSync(claudeBinary(), join(bin, 'claude'));
    const npx = execFileSync('sh', ['-c', 'command -v npx'], {
      env: { PATH: path },
      encoding: 'utf8',
    }).trim();
    fs.writeFileSync(join(bin, 'npx'), npxStandIn(npx, this.program), { mode: 0o755 });

    this.env = {
      PATH: path,
      HOME: this.home,
      TMPDIR: join(this.root, 'tmp'),
      // npm would ask the registry for a newer npm before it ends.
      npm_config_update_notifier: 'false',
    };
    this.claudeEnv = {
      ...this.env,
      PATH: `${bin}${delimiter}${path}`,
      CLAUDE_CONFIG_DIR: join(this.home, '.claude'),
      ANTHROPIC_API_KEY: KEY,
      ANTHROPIC_BASE_URL: model,
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      DISABLE_AUTOUPDATER: '1',
      DISABLE_ERROR_REPORTING: '1',
      DISABLE_TELEMETRY: '1',
    };
  }

  /** A line of the README, in a shell. @throws Error with what it printed unless it ended with 0 */
  async does(line: string, cwd: string, env: Record<string, string>): Promise<string> {
    // The page begins with `npm start`, which builds; a test of a later block alone has not done that.
    if (!fs.existsSync(join(this.clone, 'dist'))) await this.tries('npm run build', this.clone, this.env);
    const result = await this.tries(line, cwd, env);
    if (result.code === 0) return result.stdout;
    throw new Error(`${line}: exit ${result.code ?? result.signal}\n${result.stdout}${result.stderr}`);
  }

  /** What is no line of the page: npx itself costs several times what it starts. */
  aether(words: string, cwd: string, env: Record<string, string>): Promise<string> {
    return this.does(`node '${this.program}' ${words}`, cwd, env);
  }

  tries(line: string, cwd: string, env: Record<string, string>): Promise<CliResult> {
    return cli(['-c', line], { program: ['/bin/sh'], cwd, env, deadline_ms: 120_000 });
  }

  /** Processes that name a path below this one, or inherited it. */
  left(within = this.root): { pid: number; command: string }[] {
    return processes().filter(({ command, environment }) =>
      [command, ...environment].some((text) => text.includes(within)),
    );
  }

  /** Ends what still runs and removes everything. @returns what had to be ended */
  async leaves(): Promise<string[]> {
    for (const state of this.states())
      await this.tries(`node '${this.program}' down --state '${state}'`, this.project, this.env);
    const left = this.left().map(({ pid, command }) => `${pid} ${command}`);
    await eventually('nothing of the reader runs', () => {
      const still = this.left();
      for (const { pid } of still) end(pid);
      return still.length === 0;
    });
    for (const state of this.states()) {
      const sockets = recordedRuntimeDirectory(state);
      if (sockets !== null) fs.rmSync(sockets, { recursive: true, force: true });
    }
    fs.rmSync(this.root, { recursive: true, force: true, maxRetries: 5 });
    return left;
  }

  /** Every state directory that the README's lines can have made. */
  states(): string[] {
    return [
      join(this.clone, '.aether'),
      join(this.project, '.aether'),
      join(this.home, '.local', 'state', 'aether'),
    ].filter((state) => fs.existsSync(state));
  }
}

/** A directory of links: the build of the clone leaves nothing in the checkout it borrows from. */
function borrowModules(from: string, to: string): void {
  fs.mkdirSync(to);
  for (const name of fs.readdirSync(from)) {
    if (/^\.(aether-build|vite)/.test(name)) continue;
    fs.symlinkSync(join(from, name), join(to, name));
  }
}

/**
 * The build of the checkout, where it is of the sources of the last commit: `npm test` made it a minute ago, and the
 * same again costs more than the rest of the page. `npm start` then finds that nothing is lacking.
 */
function lendBuild(checkout: string, clone: string): void {
  if (process.env.AETHER_TEST_DIST !== '1') return;
  const inputs = ['src', 'package.json', 'package-lock.json', 'tsconfig.json'];
  const changed = execFileSync('git', ['status', '--porcelain', '--', ...inputs], { cwd: checkout });
  if (changed.length > 0) return;
  const dist = join(clone, 'dist');
  fs.cpSync(join(checkout, 'dist'), dist, { recursive: true });
  // Newer than the sources, which git has only just written.
  fs.writeFileSync(join(dist, '.built'), '');
}

/** The real npx costs several times what it starts: the short form asks it once in a directory that has the package. */
function npxStandIn(npx: string, program: string): string {
  const found = 'node_modules/.bin/aether';
  const again = LONG
    ? ''
    : `if [ "$1" = aether ] && [ -L ${found} ]; then
  if [ -e ${found}.found ]; then shift; exec ${found} "$@"; fi
  : > ${found}.found
fi
`;
  return `#!/bin/sh
if [ "$1 $2" = "-y aether-host" ]; then shift 2; exec node '${program}' "$@"; fi
${again}exec '${npx}' "$@"
`;
}

/** PATH without what npm and the test command put before it. */
function userPath(): string {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .filter((directory) => !directory.includes('node_modules') && !directory.includes('node-gyp-bin'))
    .join(delimiter);
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // it ended by itself meanwhile
  }
}
