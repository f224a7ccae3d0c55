/**
 * Any executable in a PTY: supervised and served the aether tools like an engine, without pretending to know
 * what it is. A person types to it directly, and a message is typed too, so no more than its delivery is known.
 */
import { join } from 'node:path';
import { AetherError } from '../../host/errors.ts';
import type { RunPlace, Runtime } from '../runtime.ts';
import { adapterNamed } from './adapter.ts';
import { commandObserver } from './observer.ts';
import type { CommandOptions } from './program.ts';
import { typing, withoutKeys } from './typing.ts';

/** Until a viewer attaches and resizes it. */
const SIZE = { cols: 120, rows: 40 };

/** Goes with the run. */
const tmpOf = (place: RunPlace): string => join(place.runDir, 'tmp');

const SEVERAL = { refuse: 'refused', join: 'typed as one', type: 'typed and sent one by one' };

function noteOf({ adapter, multiline = 'refuse' }: Partial<CommandOptions>): string {
  const when = adapter === undefined ? '' : `when ${adapter} shows its prompt, `;
  return `typed: ${when}as one paste where the program takes it so; otherwise several lines are ${SEVERAL[multiline]}`;
}

export const commandRuntime: Runtime = {
  name: 'command',
  capabilities: {
    engine: 'pty',
    takeover: 'direct',
    receipts: 'delivered',
    resume: false,
  },

  async detect() {
    return {
      runtime: 'command',
      usable: true,
      binary: null,
      version: null,
      canLogIn: true,
      model: false,
      missing: [],
    };
  },

  async prepare(agent, place) {
    const { command, adapter, endpoints = [] } = agent.options as Partial<CommandOptions>;
    if (command === undefined || command.length === 0) {
      throw new AetherError({
        code: 'command.missing',
        who: 'config',
        message: `Agent '${agent.name}' has runtime command but no command.`,
        next: 'Set command: to a list, the program first: command: [my-agent, --flag].',
        details: { agent: agent.name },
      });
    }
    return {
      process: {
        role: 'engine',
        argv: command,
        env: {
          PATH: place.path,
          HOME: place.agentDir,
          TMPDIR: tmpOf(place),
          LANG: 'C.UTF-8',
          TERM: 'xterm-256color',
          COLORTERM: 'truecolor',
          ...agent.env,
          ...agent.auth,
          AETHER_AGENT: agent.name,
          AETHER_RUN: place.run,
          AETHER_MCP_COMMAND: place.mcpCommand,
          ...(agent.goal === null ? {} : { AETHER_GOAL: agent.goal }),
        },
        cwd: agent.workspace,
        io: { kind: 'pty', ...SIZE },
      },
      secretEnv: Object.keys(agent.auth),
      files: [
        { path: join(tmpOf(place), '.aether'), mode: 0o600, content: `TMPDIR of the agent ${agent.name}.\n` },
      ],
      uses: { read: [], write: [place.agentDir, tmpOf(place)] },
      stop: { term_ms: 3_000, kill_ms: 5_000 },
      authNote: Object.keys(agent.auth).join(', ') || 'none: the program logs in by itself',
      endpoints,
      messagesNote: noteOf(agent.options),
      opening: [],
      ...(adapter === undefined ? {} : { observing: { adapter } }),
    };
  },

  observer: commandObserver,

  // What is known of the program is in the engine's state: `typing` goes by it.
  message: ({ id, text }) => ({ id, data: `${withoutKeys(text).plain}\r` }),
  typing,
  interruptKeys: ({ adapter }) => adapterNamed(adapter)?.interrupt ?? null,
};
