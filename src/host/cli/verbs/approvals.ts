/** `aether approvals`: what agents ask the operator, and the answers. */
import type { Command } from 'commander';
import type { ApprovalAnswer, ApprovalView } from '../../api.ts';
import type { ControlClient } from '../../control/client.ts';
import { AetherError } from '../../errors.ts';
import { rawText } from '../../shown/asked.ts';
import { askedLines } from '../asked-lines.ts';
import { invocation, withHost } from '../invocation.ts';
import { paint, print, printJson } from '../output.ts';
import { age, oneLine } from '../text.ts';
import { type CliCommand, declareVerb, globalsOf, refuseUnknownVerb } from '../verb.ts';

export const commands: CliCommand[] = [{ names: ['approvals'], place: 140, register: registerApprovals }];

interface ListOptions {
  json?: boolean;
  all?: boolean;
  agent?: string;
}

interface ShowOptions {
  json?: boolean;
  raw?: boolean;
}

function registerApprovals(program: Command): void {
  const approvals = declareVerb(program, {
    usage: 'approvals',
    summary: 'questions and permission requests of the agents: list them, answer them',
    examples: ['aether approvals', 'aether approvals answer 0198 allow'],
  })
    .enablePositionalOptions()
    .option('--json', 'an array with everything that is known')
    .allowExcessArguments()
    .action((options: ListOptions, command: Command) => {
      refuseUnknownVerb(command);
      return list(options, command);
    });

  declareVerb(approvals, {
    usage: 'list',
    summary: 'what waits for an answer (also without `list`)',
    examples: ['aether approvals list --all --json'],
  })
    .option('--json', 'an array with everything that is known')
    .option('--all', 'answered and withdrawn ones too')
    .option('--agent <name>', 'of one agent')
    .action((options: ListOptions, command: Command) => list(options, command));

  declareVerb(approvals, {
    usage: 'show <id>',
    summary: 'one in full; text that looks different from what it is is marked',
    examples: ['aether approvals show 0198c2', 'aether approvals show 0198c2 --raw | less'],
  })
    .option('--json', 'everything that is known')
    .option('--raw', 'what the agent asks as JSON, byte for byte: each character beyond ASCII is an escape')
    .action(async (id: string, options: ShowOptions, command: Command) => {
      await withHost(invocation(globalsOf(command)), async (client) => {
        const approval = await find(client, id);
        if (options.raw)
          print(rawText(approval.kind === 'permission' ? approval.detail.input : approval.detail));
        else if (options.json) printJson(approval);
        else printApproval(approval, true);
      });
    });

  declareVerb(approvals, {
    usage: 'answer <id> <answer...>',
    summary: 'answer one: allow, deny [reason], or the text a question asks for',
    examples: [
      'aether approvals answer 0198c2 allow',
      'aether approvals answer 0198c2 deny "Not on the main branch"',
      'aether approvals answer 0198c3 "Use the second one"',
    ],
    notes: ['The beginning of an id is enough where only one open question begins with it.'],
  }).action(async (id: string, words: string[], _options: unknown, command: Command) => {
    await withHost(invocation(globalsOf(command)), async (client) => {
      const approval = await findOpen(client, id);
      const answered = await client.call('answerApproval', { id: approval.id, ...answerOf(approval, words) });
      print(oneLine(`Answered ${answered.agent}: ${answerText(answered.answer)}`));
    });
  });
}

async function list(options: ListOptions, command: Command): Promise<void> {
  await withHost(invocation(globalsOf(command)), async (client) => {
    const approvals = await client.call('approvals', {
      state: options.all ? 'all' : 'open',
      ...(options.agent === undefined ? {} : { agent: options.agent }),
    });
    // One that is gone may have asked; one that never was is a slip of the pen.
    if (approvals.length === 0 && options.agent !== undefined)
      await client.call('agent', { agent: options.agent });
    if (options.json) {
      printJson(approvals);
      return;
    }
    if (approvals.length === 0) print('Nothing waits for you.');
    for (const approval of approvals) printApproval(approval);
  });
}

function printApproval(approval: ApprovalView, whole = false): void {
  const state =
    approval.state === 'open'
      ? paint('yellow', 'open')
      : `${approval.state}${approval.answer ? `: ${oneLine(answerText(approval.answer))}` : ''}`;
  const head = `${approval.id}  ${oneLine(approval.agent)}  ${approval.kind}`;
  print(`${paint('bold', head)}  ${age(approval.opened_ms, Date.now())} ago  ${state}`);
  for (const line of askedLines(approval, whole)) print(`    ${line}`);
  if (approval.state === 'open') {
    print(paint('dim', `    if nobody answers: ${oneLine(approval.otherwise)}`));
  }
}

/** Open or not. */
async function find(client: ControlClient, id: string): Promise<ApprovalView> {
  const all = await client.call('approvals', { state: 'all' });
  const exact = all.find((one) => one.id === id);
  if (exact) return exact;
  const found = all.filter((one) => one.id.startsWith(id));
  return found.length === 1 ? found[0]! : await findOpen(client, id);
}

async function findOpen(client: ControlClient, id: string): Promise<ApprovalView> {
  const open = await client.call('approvals', { state: 'open' });
  const found = open.filter((one) => one.id === id || one.id.startsWith(id));
  const exact = found.find((one) => one.id === id) ?? (found.length === 1 ? found[0] : undefined);
  if (exact) return exact;
  if (found.length === 0) {
    const all = await client.call('approvals', { state: 'all' });
    const closed = all.find((one) => one.id === id) ?? all.find((one) => one.id.startsWith(id));
    if (closed) throw closedAlready(closed);
  }
  throw new AetherError({
    code: found.length > 1 ? 'usage.approval-ambiguous' : 'approval.unknown',
    who: 'user',
    message:
      found.length > 1
        ? `${found.length} open questions have an id that begins with ${id}.`
        : `No open question has the id ${id}.`,
    next: 'See `aether approvals`.',
  });
}

function closedAlready(approval: ApprovalView): AetherError {
  const said = approval.answer === null ? '' : `: ${answerText(approval.answer)}`;
  return new AetherError({
    code: 'approval.closed',
    who: 'user',
    message: oneLine(
      `${approval.id} is ${approval.state} already${approval.answeredBy ? ` by ${approval.answeredBy}` : ''}${said}.`,
    ),
    next: `Tell ${oneLine(approval.agent)} something else with \`aether inject ${oneLine(approval.agent)} TEXT\`.`,
  });
}

/** @throws AetherError `usage.answer` when a permission is answered with something else than allow or deny. */
export function answerOf(approval: ApprovalView, words: string[]): ApprovalAnswer {
  const [first = '', ...rest] = words;
  const word = first.toLowerCase();
  if (approval.kind === 'question') return { text: words.join(' ') };
  const reason = rest.join(' ');
  if (word === 'allow' && reason === '') return { allow: true };
  if (word === 'deny') return reason === '' ? { allow: false } : { allow: false, text: reason };
  throw new AetherError({
    code: 'usage.answer',
    who: 'user',
    message: `${oneLine(approval.agent)} asks for permission: the answer is allow, or deny with a reason.`,
    next: `For example \`aether approvals answer ${approval.id} allow\`.`,
  });
}

function answerText(answer: ApprovalAnswer | null): string {
  if (!answer) return '';
  const verdict = answer.allow === undefined ? '' : answer.allow ? 'allow' : 'deny';
  return [verdict, answer.text].filter((part) => part !== undefined && part !== '').join(': ');
}
