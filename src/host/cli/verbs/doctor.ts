/** `aether doctor`: everything that is missing or weaker here, and the command that fixes it. Needs no host. */
import { accessSync, constants, existsSync, lstatSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import type { Command } from 'commander';
import type { Detection } from '../../../runtimes/runtime.ts';
import { messageOf, toWireError } from '../../errors.ts';
import { readNote, socketPaths, statePaths } from '../../paths.ts';
import { runtimeDirectory, SOCKET_PATH_BYTES_MAX } from '../../process/sockets.ts';
import { requireHome } from '../../written-path.ts';
import { isAlive } from '../alive.ts';
import { ExitCode } from '../exit-codes.ts';
import { type CheckedConfiguration, type FrontDoor, frontDoor } from '../front-door.ts';
import { completed, hint } from '../hints.ts';
import { findHost, type Invocation, invocation } from '../invocation.ts';
import { memoryLine } from '../memory-lines.ts';
import { paint, print, printJson } from '../output.ts';
import { oneLine } from '../text.ts';
import { type CliCommand, declareVerb, globalsOf } from '../verb.ts';

export const commands: CliCommand[] = [{ names: ['doctor'], place: 190, register: registerDoctor }];

export interface Finding {
  /** ok: as it should be; lost: it works with less; missing: something that is needed. */
  level: 'ok' | 'lost' | 'missing';
  what: string;
  /** The command or step that mends it; null where nothing has to be done. */
  mend: string | null;
}

const NODE_MAJOR_MIN = 24;
const SPACE_NEEDED_BYTES = 1_000_000;
const SPACE_WANTED_BYTES = 500_000_000;

function registerDoctor(program: Command): void {
  declareVerb(program, {
    usage: 'doctor',
    summary: 'check this machine: what is missing, what is lost without it, and how to fix it',
    examples: ['aether doctor', 'aether doctor --json'],
    notes: ['Exit code 1 when something that is needed is missing.'],
  })
    .option('--json', 'the findings as JSON')
    .action(async (options: { json?: boolean }, command: Command) => {
      const invoked = invocation(globalsOf(command));
      const findings = [
        ...machine(),
        ...(await sandboxes()),
        ...(await containment()),
        ...(await configuration(invoked)),
        ...stateDirectory(invoked),
        ...(await disk(invoked)),
        ...(await host(invoked)),
        ...(await engines()),
      ];
      if (options.json) printJson(findings);
      else for (const finding of findings) printFinding(finding);
      if (findings.some((finding) => finding.level === 'missing')) process.exitCode = ExitCode.failed;
    });
}

const ok = (what: string): Finding => ({ level: 'ok', what, mend: null });
const lost = (what: string, mend: string): Finding => ({ level: 'lost', what, mend });
const missing = (what: string, mend: string): Finding => ({ level: 'missing', what, mend });

function machine(): Finding[] {
  const major = Number(process.versions.node.split('.')[0]);
  return [
    major >= NODE_MAJOR_MIN
      ? ok(`Node ${process.versions.node}`)
      : missing(
          `Node ${process.versions.node}: ${NODE_MAJOR_MIN} or newer is needed`,
          'https://nodejs.org, or `nvm install 24`',
        ),
    process.platform === 'linux'
      ? ok(`Linux ${process.arch}`)
      : lost(
          `${process.platform}: no subreaper, no cgroup — descendants that detach may outlive a stop`,
          'Run Aether on Linux (on Windows: WSL2) for the full guarantee',
        ),
    home(),
    onPath('git') ? ok('git') : missing('git: workspaces cannot be compared', install('git')),
  ];
}

function home(): Finding {
  try {
    return ok(`home ${requireHome(process.env)}`);
  } catch (error) {
    const { message, next } = toWireError(error);
    return missing(message, next);
  }
}

/** Which sandboxes work here, proven by making one. */
async function sandboxes(): Promise<Finding[]> {
  // That the installation is broken is found, and told, where the engines are looked for.
  const door = await frontDoor().catch(() => null);
  if (door === null) return [];
  const probes = await door.probeSandboxes();
  return probes.flatMap(({ kind, probe }) => [
    ...(probe.usable ? [ok(`${kind}: agents see and reach only what they are given`)] : []),
    ...probe.missing.map(({ what, mend }) => lost(what, mend)),
  ]);
}

/** What will hold the processes of a run together here, proven by trying it. */
async function containment(): Promise<Finding[]> {
  if (process.platform !== 'linux') return [];
  // That the installation is broken is found, and told, where the engines are looked for.
  const door = await frontDoor().catch(() => null);
  if (door === null) return [];
  const means = await door.probeContainment(process.env);
  if (means === 'cgroup2') return [ok('cgroup v2: the kernel freezes and kills an agent as a whole')];
  if (means === 'freezer') {
    return [
      lost(
        'cgroup v2 is not permitted: agents are paused by the freezer of cgroup v1, and killed one process at a time',
        'Mount it: mount -t cgroup2 none /sys/fs/cgroup/unified',
      ),
    ];
  }
  return [
    lost(
      'no control group can be created: processes of an agent are found by descent, and those that detach when its shim is killed by best effort',
      process.env.AETHER_NO_CGROUP
        ? 'Unset AETHER_NO_CGROUP'
        : 'Run the host as a systemd user service with Delegate=yes',
    ),
  ];
}

/** What is wrong with the file, and which agents could edit it. */
async function configuration({ configFile }: Invocation): Promise<Finding[]> {
  const door = await frontDoor().catch(() => null);
  if (door === null || !existsSync(configFile)) return [];
  try {
    const { agents, scrollback_lines, memory, embeddings, warnings } =
      await door.checkConfiguration(configFile);
    return [
      ok(
        `configuration ${configFile} (agents: ${agents}; each terminal keeps ${scrollback_lines} lines above its screen; memory: ${memoryLine(memory)})`,
      ),
      ...embeddingFindings(memory, embeddings),
      ...warnings.map((warning) => lost(warning, `Edit ${configFile}`)),
    ];
  } catch (error) {
    const { message, next } = toWireError(error);
    return [missing(message, next)];
  }
}

function embeddingFindings(
  { embeddings: named }: CheckedConfiguration['memory'],
  tried: CheckedConfiguration['embeddings'],
): Finding[] {
  if (tried === null) return [];
  return 'problem' in tried
    ? [lost(`${tried.problem.message} Memories are found by words alone`, tried.problem.next)]
    : [ok(`embedding endpoint ${named}: ${tried.dimensions} dimensions, answered in ${tried.ms} ms`)];
}

function stateDirectory({ stateDir }: Invocation): Finding[] {
  if (!existsSync(stateDir)) {
    const parent = nearestExisting(stateDir);
    return [
      writable(parent)
        ? ok(`state directory ${stateDir} (made by the first \`aether up\`)`)
        : missing(
            `state directory ${stateDir} cannot be made: ${parent} is not writable`,
            'Choose another with --state DIR',
          ),
    ];
  }
  const stat = statSync(stateDir);
  if (!stat.isDirectory())
    return [missing(`state directory ${stateDir} is a file`, 'Choose another with --state DIR')];
  const findings: Finding[] = [];
  if (stat.uid !== process.getuid?.() || !writable(stateDir)) {
    findings.push(
      missing(`state directory ${stateDir} is not writable for you`, `sudo chown -R "$USER" '${stateDir}'`),
    );
  } else if ((stat.mode & 0o077) !== 0) {
    findings.push(missing(`state directory ${stateDir} can be read by others`, `chmod 700 '${stateDir}'`));
  } else findings.push(ok(`state directory ${stateDir}`));
  try {
    const { control } = socketPaths(runtimeDirectory(stateDir));
    const bytes = Buffer.byteLength(control);
    findings.push(ok(`sockets in ${dirname(control)} (${bytes} of ${SOCKET_PATH_BYTES_MAX} bytes)`));
  } catch (error) {
    const { message, next } = toWireError(error);
    findings.push(missing(`sockets: ${message}`, next));
  }
  return findings;
}

/** What Aether takes, and how much is left. */
async function disk({ stateDir }: Invocation): Promise<Finding[]> {
  const door = await frontDoor().catch(() => null);
  if (door === null || !existsSync(stateDir)) return [];
  // What is no directory, or not readable, has been told as that.
  const use = await door.diskUse(stateDir).catch(() => null);
  if (use === null) return [];
  const parts = [
    `${bytes(use.runs)} in ${use.runCount} runs`,
    `${bytes(use.database)} database`,
    `${bytes(use.agents)} of agents`,
    `${bytes(use.other)} other`,
  ];
  const what = `disk: ${bytes(use.runs + use.database + use.agents + use.other)} (${parts.join(', ')}); ${bytes(use.free)} free`;
  const mend = `Free space at ${stateDir}; \`retention\` in aether.yaml says how much of ended runs is kept`;
  if (use.free < SPACE_NEEDED_BYTES) return [missing(`${what}: new data is refused`, mend)];
  return [use.free < SPACE_WANTED_BYTES ? lost(`${what}: little`, mend) : ok(what)];
}

function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = count;
  let unit = 0;
  for (; value >= 1_000 && unit < units.length - 1; unit += 1) value /= 1_000;
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

async function host(invoked: Invocation): Promise<Finding[]> {
  if (!existsSync(invoked.stateDir)) return [];
  const pid = recordedPid(invoked.stateDir);
  try {
    const client = await findHost(invoked);
    if (client) {
      const { hello } = client;
      client.close();
      return [ok(`host ${hello.version} runs (pid ${hello.pid})`)];
    }
  } catch (error) {
    const { message, next } = toWireError(error);
    return [missing(`host: ${message}`, next)];
  }
  if (pid === null) return [ok('no host runs')];
  return isAlive(pid)
    ? [
        missing(
          `pid ${pid} is recorded as the host, is alive, and does not answer`,
          `See ${statePaths(invoked.stateDir).log}; end it with \`kill ${pid}\``,
        ),
      ]
    : [lost(`the last host (pid ${pid}) ended without shutting down; its agents keep running`, hint('up'))];
}

async function engines(): Promise<Finding[]> {
  let detections: Detection[];
  const findings: Finding[] = [];
  try {
    const door = await frontDoor();
    detections = await door.detectRuntimes();
    findings.push(...(await openEngines(door, detections)));
  } catch (error) {
    return [missing(`this installation is broken: ${messageOf(error)}`, 'npm install')];
  }
  const found = detections.flatMap((one): Finding[] => {
    const name = `${one.runtime}${one.version === null ? '' : ` ${one.version}`}`;
    if (one.usable && one.missing.length === 0) return [ok(name)];
    // An engine that is not there costs nothing as long as another one is.
    return one.missing.map(({ what, mend }) => lost(`${name}: ${what}`, mend));
  });
  findings.unshift(...found);
  if (!detections.some((one) => one.canLogIn && one.model)) {
    findings.push(
      lost('no engine can log in to a model: only agents that need none can run', firstMend(detections)),
    );
  }
  return findings;
}

/** Engines whose own tools could reach into them in a sandbox. */
async function openEngines(door: FrontDoor, detections: readonly Detection[]): Promise<Finding[]> {
  const findings = detections.map(async ({ runtime, binary }): Promise<Finding[]> => {
    const why = binary === null ? null : await door.openProgram(binary);
    if (why === null) return [];
    return [
      lost(
        `${runtime}: in a sandbox its tools can reach into the engine, so its reports and its gate are weaker evidence: ${why}`,
        'Install the native program of the engine, or run its script with Node 22.14 or newer, without a wrapper before it',
      ),
    ];
  });
  return (await Promise.all(findings)).flat();
}

/** What the preferred runtime of those that talk to a model lacks first. */
function firstMend(detections: readonly Detection[]): string {
  const lacking = detections.flatMap((one) => (one.model && !one.canLogIn ? [one] : []));
  return lacking[0]?.missing.at(-1)?.mend ?? 'npm install';
}

function printFinding({ level, what, mend }: Finding): void {
  const sign = { ok: paint('green', '✓'), lost: paint('yellow', '–'), missing: paint('red', '✗') }[level];
  print(`${sign} ${completed(oneLine(what))}`);
  if (mend !== null) print(`    ${paint('dim', 'mend:')} ${completed(oneLine(mend))}`);
}

function onPath(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false; // not in this directory
    }
  });
}

function writable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false; // which is the answer
  }
}

function nearestExisting(path: string): string {
  let at = path;
  while (!lstatSync(at, { throwIfNoEntry: false })) at = dirname(at);
  return at;
}

function recordedPid(stateDir: string): number | null {
  const { pid } = statePaths(stateDir);
  const value = Number(readNote(pid)?.trim());
  return Number.isInteger(value) && value > 0 ? value : null;
}

function install(what: string): string {
  if (existsSync('/etc/debian_version')) return `sudo apt-get install ${what}`;
  if (process.platform === 'darwin') return `brew install ${what}`;
  return `Install ${what} with this system's package manager`;
}
