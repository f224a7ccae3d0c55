/** `aether mail`: what agents and outside clients wrote to the operator. */
import type { Command } from 'commander';
import type { MessageView } from '../../api.ts';
import type { ControlClient } from '../../control/client.ts';
import { AetherError } from '../../errors.ts';
import { limits } from '../../limits.ts';
import { proseLines } from '../asked-lines.ts';
import { type Hint, hintFor } from '../hints.ts';
import { invocation, withHost } from '../invocation.ts';
import { paint, print, printJson } from '../output.ts';
import { age, oneLine } from '../text.ts';
import { type CliCommand, declareVerb, globalsOf, refuseUnknownVerb } from '../verb.ts';

export const commands: CliCommand[] = [{ names: ['mail'], place: 150, register: registerMail }];

interface ListOptions {
  json?: boolean;
  all?: boolean;
}

function registerMail(program: Command): void {
  const mail = declareVerb(program, {
    usage: 'mail',
    summary: 'mail to the operator: read it, acknowledge it',
    examples: ['aether mail', 'aether mail ack 0198c2'],
    notes: ['Mail stays unread until it is acknowledged. To write to an agent, use `aether inject`.'],
  })
    .enablePositionalOptions()
    .option('--json', 'an array with everything that is known')
    .option('--all', 'acknowledged mail too, the newest first')
    .allowExcessArguments()
    .action((options: ListOptions, command: Command) => {
      refuseUnknownVerb(command);
      return list(options, command);
    });

  declareVerb(mail, {
    usage: 'list',
    summary: 'unread mail (also without `list`)',
    examples: ['aether mail list --all --json'],
  })
    .option('--json', 'an array with everything that is known')
    .option('--all', 'acknowledged mail too, the newest first')
    .action((options: ListOptions, command: Command) => list(options, command));

  declareVerb(mail, {
    usage: 'ack <id...>',
    summary: 'mark messages as dealt with',
    examples: ['aether mail ack 0198c2'],
    notes: ['The beginning of an id is enough where only one unread message begins with it.'],
  }).action(async (ids: string[], _options: unknown, command: Command) => {
    await withHost(invocation(globalsOf(command)), async (client) => {
      const named = await fullIds(client, ids);
      const { acked, already } = await client.call('ackOperatorMail', { ids: named });
      print(
        `${acked.length} acknowledged${already.length > 0 ? `, ${already.length} had been already` : ''}.`,
      );
    });
  });
}

async function list(options: ListOptions, command: Command): Promise<void> {
  const invoked = invocation(globalsOf(command));
  await withHost(invoked, async (client) => {
    const { messages, unread } = await client.call('operatorMail', {
      ...(options.all ? { all: true } : {}),
      limit: limits.mail_inbox_max,
    });
    if (options.json) {
      printJson(messages);
      return;
    }
    const hint = hintFor(invoked);
    if (messages.length === 0) print('No unread mail.');
    for (const message of messages) printMessage(message, hint);
    if (!options.all && unread > messages.length) print(`${unread - messages.length} more are unread.`);
  });
}

function printMessage(message: MessageView, hint: Hint): void {
  const head = `${message.id}  from ${oneLine(message.from)}`;
  print(`${paint('bold', head)}  ${age(message.sent_ms, Date.now())} ago  ${oneLine(message.subject)}`);
  for (const line of proseLines(message.body.trimEnd())) print(`    ${line}`);
  if (message.acked_ms === null) print(paint('dim', `    done with it: ${hint(`mail ack ${message.id}`)}`));
}

/** Whole ids pass as they are: the host says what is wrong with them. */
async function fullIds(client: ControlClient, ids: string[]): Promise<string[]> {
  const { messages } = await client.call('operatorMail', { limit: limits.mail_inbox_max });
  return ids.map((id) => {
    const found = messages.filter((message) => message.id.startsWith(id));
    if (found.length <= 1) return found[0]?.id ?? id;
    throw new AetherError({
      code: 'usage.mail-ambiguous',
      who: 'user',
      message: `${found.length} unread messages have an id that begins with ${id}.`,
      next: 'See `aether mail`.',
    });
  });
}
