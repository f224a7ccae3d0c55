/** `aether adopt`: an agent goes on with a conversation that a person began by hand. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { AdoptedView, ConversationView } from '../../api.ts';
import type { ControlClient } from '../../control/client.ts';
import { AetherError } from '../../errors.ts';
import { NAME, NAME_RULE } from '../../names.ts';
import { ExitCode } from '../exit-codes.ts';
import { frontDoor } from '../front-door.ts';
import { completed, hint } from '../hints.ts';
import { invocation, withHost } from '../invocation.ts';
import { note, print, printJson, warn } from '../output.ts';
import { type Column, printTable } from '../table.ts';
import { age, oneLine } from '../text.ts';
import { type CliCommand, declareVerb, globalsOf } from '../verb.ts';
import { agentJson } from './ps.ts';

export const commands: CliCommand[] = [{ names: ['adopt'], place: 95, register: registerAdopt }];

interface Options {
  as?: string;
  write?: boolean;
  force?: boolean;
  fresh?: boolean;
  from?: string;
  in?: string;
  json?: boolean;
}

function registerAdopt(program: Command): void {
  declareVerb(program, {
    usage: 'adopt <runtime> [id]',
    summary: 'give an agent a copy of a conversation that you began by hand, and start it',
    examples: [
      'aether adopt claude',
      'aether adopt claude 3f2a --as fixer --write',
      'aether adopt claude 3f2a --as fixer --json',
    ],
    notes: [
      'Without an id the conversations of this directory are listed; the beginning of one is enough. The conversation is',
      'forked: what you see in your own terminal stays as it is. The agent is one of aether.yaml, with the directory of the',
      'conversation as its workspace; --write adds it there. It waits for a message unless it has a goal.',
    ],
  })
    .option('--as <name>', 'the agent that continues it')
    .option('--write', 'add the agent to the configuration where it is missing')
    .option('--force', 'also while a program has the conversation open')
    .option('--fresh', 'also where the agent has a conversation of its own, which it then leaves')
    .option('--from <dir>', "where the engine keeps them (default: the usual place in the host's home)")
    .option('--in <dir>', 'list those of another directory')
    .option('--json', 'what was found, or what was adopted')
    .action(async (runtime: string, id: string | undefined, options: Options, command: Command) => {
      await withHost(invocation(globalsOf(command)), async (client) => {
        if (id === undefined) await list(client, runtime, options);
        else await adopt(client, runtime, id, options);
      });
    });
}

const fromOf = ({ from }: Options): { from?: string } => (from === undefined ? {} : { from: resolve(from) });

async function list(client: ControlClient, runtime: string, options: Options): Promise<void> {
  const directory = resolve(options.in ?? '.');
  const found = await client.call('conversations', { runtime, directory, ...fromOf(options) });
  if (options.json) {
    printJson(found.map(conversationJson));
  } else if (found.length === 0) {
    print(
      oneLine(
        `No conversation with ${runtime} was begun by hand in ${directory} (--in DIR looks elsewhere).`,
      ),
    );
  } else {
    printConversations(found);
    note(`Adopt one with ${hint(`adopt ${runtime} ID --as NAME`)}.`);
  }
  // Asked to adopt, and nothing was.
  if (options.as !== undefined) process.exitCode = ExitCode.usage;
}

async function adopt(client: ControlClient, runtime: string, id: string, options: Options): Promise<void> {
  const agent = agentOf(options);
  const input = {
    ...{ agent, runtime, id, ...fromOf(options) },
    ...(options.force ? { force: true } : {}),
    ...(options.fresh ? { fresh: true } : {}),
  };
  let adopted: AdoptedView;
  try {
    adopted = await client.call('adopt', input);
  } catch (error) {
    if (!(error instanceof AetherError && error.code === 'agent.undeclared')) throw error;
    await declare(client, { agent, runtime, id }, options, error);
    adopted = await client.call('adopt', input);
  }
  const { problem } = adopted.agent;
  if (problem !== null) process.exitCode = ExitCode.failed;
  if (options.json) {
    const { agent: view, conversation, ...rest } = adopted;
    printJson({ agent: agentJson(view), conversation: conversationJson(conversation), ...rest });
  } else {
    tell(adopted);
  }
}

/** @throws AetherError `usage.name` */
function agentOf({ as }: Options): string {
  if (as !== undefined && NAME.test(as)) return as;
  throw new AetherError({
    code: 'usage.name',
    who: 'user',
    message: as === undefined ? 'The name of the agent is missing.' : `${as} cannot be the name of an agent.`,
    next: `Give it a name: --as NAME, of ${NAME_RULE}.`,
  });
}

/** Adds the agent to the file of the host, or says what to add. @throws AetherError */
async function declare(
  client: ControlClient,
  { agent, runtime, id }: { agent: string; runtime: string; id: string },
  options: Options,
  undeclared: AetherError,
): Promise<void> {
  const { configFile } = await client.call('info');
  const [found] = await client.call('conversations', { runtime, id, ...fromOf(options) });
  if (configFile === null || found === undefined) throw undeclared;
  const declaration = {
    ...{ file: configFile, name: agent },
    ...{ runtime: found.runtime, workspace: found.directory },
  };
  const { declareAgent, entryOf } = await frontDoor();
  if (options.write) {
    declareAgent(declaration);
    note(oneLine(`Added ${agent} to ${configFile}.`));
    return;
  }
  const { message } = undeclared;
  throw new AetherError({
    code: undeclared.code,
    who: 'user',
    message,
    next: `Do this again with --write, or first add below \`agents:\`:\n${entryOf(declaration).join('\n')}`,
  });
}

function tell({ agent, conversation, copied }: AdoptedView): void {
  const { name, state, pid, problem } = agent;
  const files = copied.files === 1 ? '' : ` in ${copied.files} files`;
  print(
    oneLine(
      `${name} has a copy of conversation ${conversation.id} (${sizeOf(copied.bytes)}${files}), begun in ${conversation.directory}`,
    ),
  );
  if (copied.left_out > 0) warn(`${copied.left_out} links or special files beside it were left out.`);
  if (conversation.use !== null && !conversation.use.open)
    warn(
      `${name} has it as it is now: ${conversation.use.what}, so a program may have it open still, and change the same files.`,
    );
  if (problem !== null) print(completed(oneLine(`${name} is ${state}: ${problem.message} ${problem.next}`)));
  else
    print(
      completed(
        `${name} is ${state}${pid === null ? '' : `, pid ${pid}`}; go on with \`aether run ${name} -- TEXT\``,
      ),
    );
}

function printConversations(found: ConversationView[]): void {
  const now = Date.now();
  // As much of the ids as tells them apart.
  const digits = [8, 13, 18, 23, 36].find(
    (length) => new Set(found.map(({ id }) => id.slice(0, length))).size === found.length,
  );
  const table: Column<ConversationView>[] = [
    { title: 'ID', value: ({ id }) => id.slice(0, digits) },
    { title: 'WRITTEN', value: ({ at_ms }) => `${age(at_ms, now)} ago` },
    { title: 'SIZE', value: ({ bytes }) => sizeOf(bytes) },
    { title: 'OPEN', value: ({ use }) => (use === null ? '-' : use.open ? 'yes' : 'perhaps') },
    { title: 'BEGINS', value: ({ words }) => words ?? '', shrinkTo: 20 },
  ];
  printTable(table, found);
}

function sizeOf(bytes: number): string {
  if (bytes < 1_000_000) return `${Math.ceil(bytes / 1_000)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** Times as ISO 8601: the form of a script, not of the wire. */
function conversationJson({ at_ms, ...rest }: ConversationView): Record<string, unknown> {
  return { ...rest, written: new Date(at_ms).toISOString() };
}
