/** `aether service`: the host under systemd, so that it comes back after a crash and a restart of the machine. */
import { execFileSync } from 'node:child_process';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import type { Command } from 'commander';
import { AetherError, messageOf } from '../../errors.ts';
import { cutText } from '../../text.ts';
import { ensureStateDirectory } from '../detached-host.ts';
import { commandFile, findHost, type Invocation, invocation, requireConfig } from '../invocation.ts';
import { note, print } from '../output.ts';
import { ENV_FILE_TEXT, unitText } from '../service-unit.ts';
import { type CliCommand, declareVerb, globalsOf } from '../verb.ts';

export const commands: CliCommand[] = [{ names: ['service'], place: 200, register: registerService }];

interface Options {
  user?: boolean;
  name: string;
  print?: boolean;
  now?: boolean;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,100}$/;

function registerService(program: Command): void {
  const service = declareVerb(program, {
    usage: 'service',
    summary: 'the host under systemd: it comes back after a crash and a restart of the machine',
    examples: ['aether service install --user --now', 'aether service uninstall --user'],
  });
  shared(
    declareVerb(service, {
      usage: 'install',
      summary: 'write and enable the unit; stopping the service leaves the agents running',
      examples: ['aether service install --user --now', 'aether service install --print'],
      notes: ['Keys for the engines go into service.env in the state directory, readable by you alone.'],
    }),
  )
    .option('--print', 'show the unit and change nothing')
    .option('--now', 'start it as well')
    .action(async (options: Options, command: Command) => {
      const invoked = invocation(globalsOf(command));
      requireConfig(invoked);
      const text = unitOf(invoked, options);
      if (options.print) process.stdout.write(text);
      else await install(invoked, options, text);
    });
  shared(
    declareVerb(service, {
      usage: 'uninstall',
      summary: 'stop the service and remove its unit; the agents go on',
      examples: ['aether service uninstall --user'],
      notes: ['To stop the agents as well: `aether down` first.'],
    }),
  ).action((options: Options) => uninstall(options));
}

function shared(command: Command): Command {
  return command
    .option('--user', 'a service of your own login manager, without root')
    .option('--name <name>', 'name of the unit, for more than one fleet', 'aether');
}

function unitOf({ configFile, stateDir }: Invocation, options: Options): string {
  return unitText({
    user: options.user ?? false,
    runAs: userOf(configFile),
    node: process.execPath,
    program: commandFile,
    configFile,
    stateDir,
    workingDir: dirname(configFile),
    envFile: envFileOf(stateDir),
    path: process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin',
  });
}

/** Whose configuration it is, also under sudo. */
function userOf(configFile: string): string {
  const { uid } = statSync(configFile);
  if (uid === process.getuid?.()) return userInfo().username;
  return process.env.SUDO_USER && String(uid) === process.env.SUDO_UID ? process.env.SUDO_USER : String(uid);
}

const envFileOf = (stateDir: string): string => join(stateDir, 'service.env');

async function install(invoked: Invocation, options: Options, text: string): Promise<void> {
  const file = unitFile(options);
  requireSystemd(options);
  if (existsSync(file) && commandOf(readFileSync(file, 'utf8')) !== commandOf(text)) {
    throw new AetherError({
      code: 'service.taken',
      who: 'user',
      message: `${file} is there already and starts something else.`,
      next: 'Choose another name with --name, or remove that one with `aether service uninstall`.',
    });
  }
  writeUnit(file, text);
  const env = envFileOf(invoked.stateDir);
  for (const [path, make] of [
    [invoked.stateDir, () => ensureStateDirectory(invoked.stateDir)],
    [env, () => writeFileSync(env, ENV_FILE_TEXT, { mode: 0o600 })],
  ] as const) {
    if (existsSync(path)) continue;
    make();
    const { uid, gid } = statSync(invoked.configFile);
    if (uid !== process.getuid?.()) chownSync(path, uid, gid);
  }
  systemctl(options, 'daemon-reload');
  systemctl(options, 'enable', unitName(options));
  print(`Wrote ${file}.`);
  print(`Keys for the engines go into ${env} (mode 0600).`);
  await start(invoked, options);
  if (options.user)
    note(
      `It runs while you are logged in; to keep it running: loginctl enable-linger ${userInfo().username}`,
    );
}

async function start(invoked: Invocation, options: Options): Promise<void> {
  const command = `systemctl ${options.user ? '--user ' : ''}start ${unitName(options)}`;
  const running = await findHost(invoked);
  running?.close();
  if (running) {
    note(`A host runs already (pid ${running.hello.pid}) and must end first; its agents keep running:`);
    note(`  kill ${running.hello.pid} && ${command}`);
  } else if (options.now) {
    systemctl(options, 'start', unitName(options));
    print('It is started.');
  } else {
    print(`Start it with: ${command}`);
  }
}

function uninstall(options: Options): void {
  const file = unitFile(options);
  if (!existsSync(file)) {
    throw new AetherError({
      code: 'service.absent',
      who: 'user',
      message: `There is no ${file}.`,
      next: options.user
        ? 'Leave out --user if it was installed for the whole system.'
        : 'Add --user if it was installed for your login only, or --name.',
    });
  }
  requireSystemd(options);
  systemctl(options, 'disable', '--now', unitName(options));
  rmSync(file);
  systemctl(options, 'daemon-reload');
  print(`Removed ${file}. Agents that ran go on; see \`aether ps\`.`);
}

function unitName({ name }: Options): string {
  if (NAME.test(name)) return `${name}.service`;
  throw new AetherError({
    code: 'usage.service-name',
    who: 'user',
    message: `${JSON.stringify(cutText(name, { chars_max: 120 }))} cannot be the name of a unit.`,
    next: 'Use letters, digits, dots, - and _.',
  });
}

function unitFile(options: Options): string {
  const name = unitName(options);
  if (!options.user) return join('/etc/systemd/system', name);
  const base = process.env.XDG_CONFIG_HOME;
  const config = base !== undefined && isAbsolute(base) ? base : join(homedir(), '.config');
  return join(config, 'systemd', 'user', name);
}

function writeUnit(file: string, text: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(`${file}.new`, text, { mode: 0o644 });
    renameSync(`${file}.new`, file);
  } catch (error) {
    throw new AetherError(
      {
        code: 'service.unwritable',
        who: 'user',
        message: `The unit cannot be written: ${messageOf(error)}.`,
        next: 'Run it with sudo, or install a service of your own with --user.',
      },
      { cause: error },
    );
  }
}

/** What a unit starts, however the rest of it was edited. */
function commandOf(unit: string): string | undefined {
  return /^ExecStart=.*$/m.exec(unit)?.[0];
}

/** @throws AetherError `service.no-systemd` */
function requireSystemd(options: Options): void {
  let state = 'offline';
  try {
    state = systemctl(options, 'is-system-running');
  } catch (error) {
    // It answers with a failing exit code for every state but "running"; what it printed tells.
    const printed = (error as { cause?: { stdout?: unknown } }).cause?.stdout;
    if (typeof printed === 'string' && printed.trim() !== '') state = printed.trim();
  }
  if (!['offline', 'unknown'].includes(state)) return;
  throw new AetherError({
    code: 'service.no-systemd',
    who: 'user',
    message: options.user
      ? 'No systemd of yours runs here (systemctl --user does not answer).'
      : 'No systemd runs here.',
    next: 'Have your own init run `aether host --file FILE --state DIR`, and let it signal that one process only; `aether service install --print` shows what a unit would say.',
  });
}

function systemctl(options: Options, ...args: string[]): string {
  const all = options.user ? ['--user', ...args] : args;
  try {
    return execFileSync('systemctl', all, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim() || messageOf(error);
    throw new AetherError(
      {
        code: 'service.systemctl',
        who: 'user',
        message: `\`systemctl ${all.join(' ')}\` failed: ${said}.`,
        next: options.user ? 'Correct what it names.' : 'Correct what it names; it needs root (sudo).',
      },
      { cause: error },
    );
  }
}
