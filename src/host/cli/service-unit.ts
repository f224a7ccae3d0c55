/** The systemd unit of a host, as text. What it promises: stopping the host stops no agent. */
import { AetherError } from '../errors.ts';
import { ANOTHER_HOST } from './detached-host.ts';
import { ExitCode } from './exit-codes.ts';

export interface UnitFacts {
  /** A unit of the user's own manager; otherwise the system's. */
  user: boolean;
  /** Whom the system's manager runs it as; of no use with `user`. */
  runAs: string;
  /** Absolute, all of them. */
  node: string;
  /** `aether` as a program for node. */
  program: string;
  configFile: string;
  stateDir: string;
  workingDir: string;
  /** Read if it is there: secrets belong there, and not into the unit. */
  envFile: string;
  /** Where engines and what they run are found. */
  path: string;
}

/** @throws AetherError `usage.path` for a path that a unit file cannot hold */
export function unitText(facts: UnitFacts): string {
  const { node, program, configFile, stateDir } = facts;
  const command = [node, program, 'host', '--file', configFile, '--state', stateDir]
    .map((word) => quoted(word))
    .join(' ');
  return `${[
    '[Unit]',
    `Description=Aether host of ${plain(configFile)}`,
    // The user's manager has no such target, and no need of it: a login came over the network, or needs none.
    ...(facts.user ? [] : ['Wants=network-online.target', 'After=network-online.target']),
    'StartLimitIntervalSec=60',
    'StartLimitBurst=5',
    '',
    '[Service]',
    'Type=exec',
    ...(facts.user ? [] : [`User=${plain(facts.runAs)}`]),
    `WorkingDirectory=${plain(facts.workingDir)}`,
    `Environment=${quoted(`PATH=${facts.path}`, false)}`,
    `EnvironmentFile=-${plain(facts.envFile)}`,
    `ExecStart=${command}`,
    '# Only the host is told to end: agents belong to their shims, go on, and are taken back by the next host.',
    'KillMode=process',
    '# An agent that runs out of memory must not take the host with it.',
    'OOMPolicy=continue',
    '# The host puts each agent into a control group of its own.',
    'Delegate=yes',
    'Restart=on-failure',
    'RestartSec=2',
    `# A wrong configuration (${ExitCode.usage}) and a host that runs already (${ANOTHER_HOST}) are not mended by trying again.`,
    `RestartPreventExitStatus=${ExitCode.usage} ${ANOTHER_HOST}`,
    'TimeoutStopSec=30',
    'UMask=0077',
    '',
    '[Install]',
    `WantedBy=${facts.user ? 'default.target' : 'multi-user.target'}`,
  ].join('\n')}\n`;
}

/** Of the file that holds the keys. */
export const ENV_FILE_TEXT = `# Variables of the Aether host, read by systemd at its start. Readable by you alone: keys belong here.
# ANTHROPIC_API_KEY=
# CLAUDE_CODE_OAUTH_TOKEN=
`;

/** One word of a command line, or one assignment. */
function quoted(word: string, isCommand = true): string {
  const text = checked(word).replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%');
  return `"${isCommand ? text.replaceAll('$', '$$$$') : text}"`;
}

/** Where a whole line is taken as it stands. */
function plain(text: string): string {
  return checked(text).replaceAll('%', '%%');
}

function checked(text: string): string {
  if (!/[\u0000-\u001f\u007f]/.test(text)) return text;
  throw new AetherError({
    code: 'usage.path',
    who: 'user',
    message: `A unit file cannot hold ${JSON.stringify(text)}: it has a control character.`,
    next: 'Give the directory another name.',
  });
}
