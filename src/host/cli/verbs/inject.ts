/** `aether inject`: sends a running agent a message, and shows its receipt. */
import type { Command } from 'commander';
import type { InjectionView } from '../../api.ts';
import type { ControlClient } from '../../control/client.ts';
import { AetherError } from '../../errors.ts';
import { ExitCode } from '../exit-codes.ts';
import { onInterrupt } from '../interrupt.ts';
import { invocation, withHost } from '../invocation.ts';
import { printJson } from '../output.ts';
import { printReceipts, ReceiptPrinter } from '../receipts.ts';
import { secondsOf } from '../seconds.ts';
import { type CliCommand, declareVerb, globalsOf } from '../verb.ts';

export const commands: CliCommand[] = [{ names: ['inject'], place: 80, register: registerInject }];

const STAGES = ['queued', 'delivered', 'seen', 'acted'] as const;
const PRIORITIES = ['now', 'next', 'later'] as const;

interface InjectOptions {
  priority: string;
  wait?: string;
  timeout: string;
  id?: string;
  cancel?: string;
  list?: boolean;
  json?: boolean;
}

function registerInject(program: Command): void {
  declareVerb(program, {
    usage: 'inject <agent> [text...]',
    summary: 'send an agent a message while it works; `-` reads it from stdin',
    examples: [
      'aether inject researcher "Use the 2024 figures" --wait seen',
      'git diff | aether inject reviewer - --priority later',
      'aether inject researcher --list',
    ],
    notes: [
      'now aborts the running tool, next is read right after it, later is a turn of its own.',
      'The receipt: queued, delivered (to the engine), seen (by the model), acted (the turn went on with it).',
      'Delivery unknown: the engine ended before it said that it had read it; it is not sent again.',
    ],
  })
    .option('--priority <p>', PRIORITIES.join(' | '), 'next')
    .option('--wait <stage>', 'return once it is delivered | seen | acted')
    .option('--timeout <seconds>', 'how long to wait for that', '300')
    .option(
      '--id <uuid>',
      'your own id for the message; the same id sends nothing twice, so a try without an answer can be repeated',
    )
    .option('--cancel <id>', 'take back a message that has not been read')
    .option('--list', 'the newest messages and how far each has come')
    .option('--json', 'the receipts as JSON')
    .action(async (name: string, words: string[], options: InjectOptions, command: Command) => {
      const wait = options.wait === undefined ? null : oneOf(STAGES.slice(1), options.wait, '--wait');
      const timeout_ms = secondsOf(options.timeout, 300) * 1_000;
      const message = { priority: oneOf(PRIORITIES, options.priority, '--priority'), words, id: options.id };
      checkUse(options, words);
      const printer = new ReceiptPrinter();
      const show = (receipt: InjectionView) => {
        if (!options.json) printer.show(receipt);
      };
      await withHost(invocation(globalsOf(command)), async (client) => {
        if (options.list) return list(client, name, options.json === true);
        const receipt =
          options.cancel === undefined
            ? await send(client, name, message, { wait, timeout_ms, show })
            : await client.call('cancelInjection', { id: options.cancel });
        if (options.json) printJson(receipt);
        else show(receipt);
        if (wait !== null && !reached(receipt, wait)) process.exitCode ||= ExitCode.failed;
      });
    });
}

/** @throws AetherError `usage.inject` */
function checkUse({ cancel, list: lists }: InjectOptions, words: string[]): void {
  const uses = [words.length > 0, cancel !== undefined, lists === true].filter(Boolean).length;
  if (uses === 1) return;
  throw new AetherError({
    code: 'usage.inject',
    who: 'user',
    message:
      uses === 0 ? 'There is no message.' : 'A message, --cancel and --list are three different things.',
    next: 'Give one of them. See `aether inject --help`.',
  });
}

async function list(client: ControlClient, name: string, json: boolean): Promise<void> {
  const receipts = (await client.call('injections', { agent: name })).slice(-50);
  if (json) printJson(receipts);
  else printReceipts(receipts);
}

async function send(
  client: ControlClient,
  name: string,
  { priority, words, id }: { priority: (typeof PRIORITIES)[number]; words: string[]; id: string | undefined },
  waiting: {
    wait: (typeof STAGES)[number] | null;
    timeout_ms: number;
    show: (receipt: InjectionView) => void;
  },
): Promise<InjectionView> {
  const { wait } = waiting;
  const view = await client.call('agent', { agent: name });
  if (wait !== null && STAGES.indexOf(wait) > STAGES.indexOf(view.can.receipts)) {
    throw new AetherError({
      code: 'usage.wait',
      who: 'user',
      message: `Runtime ${view.runtime} of ${name} can prove only that a message was ${view.can.receipts}.`,
      next: `Use --wait ${view.can.receipts}.`,
    });
  }
  const text = words.length === 1 && words[0] === '-' ? await readStdin() : words.join(' ');
  // From before it is sent, so that no step of the receipt can be missed.
  const events = client.stream('follow', { agent: name, topics: ['inject.'] });
  const sent = await client.call('inject', {
    agent: name,
    text,
    priority,
    ...(id === undefined ? {} : { id }),
  });
  waiting.show(sent);
  return wait === null ? sent : waitFor(client, events, sent, { ...waiting, wait });
}

export function reached(receipt: InjectionView, stage: (typeof STAGES)[number]): boolean {
  const at = STAGES.indexOf(receipt.state as (typeof STAGES)[number]);
  return at >= STAGES.indexOf(stage);
}

async function waitFor(
  client: ControlClient,
  events: ReturnType<ControlClient['stream']>,
  sent: InjectionView,
  waiting: { wait: (typeof STAGES)[number]; timeout_ms: number; show: (receipt: InjectionView) => void },
): Promise<InjectionView> {
  const final = (receipt: InjectionView) =>
    reached(receipt, waiting.wait) || receipt.state === 'unknown' || receipt.state === 'cancelled';
  const timer = setTimeout(() => events.cancel(), waiting.timeout_ms);
  const restore = onInterrupt(() => {
    process.exitCode = ExitCode.interrupted;
    events.cancel();
  });
  try {
    let receipt = await client.call('injection', { id: sent.id });
    if (final(receipt)) return receipt;
    for await (const _event of events) {
      receipt = await client.call('injection', { id: sent.id });
      waiting.show(receipt);
      if (final(receipt)) return receipt;
    }
    return receipt;
  } finally {
    clearTimeout(timer);
    restore();
    events.cancel();
  }
}

function oneOf<T extends string>(allowed: readonly T[], given: string, option: string): T {
  const found = allowed.find((one) => one === given);
  if (found !== undefined) return found;
  throw new AetherError({
    code: 'usage.option',
    who: 'user',
    message: `${option} is one of ${allowed.join(', ')}, not ${given}.`,
    next: 'See `aether inject --help`.',
  });
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
