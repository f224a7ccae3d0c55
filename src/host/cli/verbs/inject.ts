/** `aether inject`: a message into a running agent, and how far it has provably come. */
import type { Command } from 'commander';
import type { InjectionView } from '../../api.ts';
import type { ControlClient } from '../../control/client.ts';
import { AetherError } from '../../errors.ts';
import { ExitCode } from '../exit-codes.ts';
import { onInterrupt } from '../interrupt.ts';
import { invocation, withHost } from '../invocation.ts';
import { print, printJson } from '../output.ts';
import { secondsOf } from '../seconds.ts';
import { oneLine } from '../text.ts';
import { declareVerb, globalsOf } from '../verb.ts';

const STAGES = ['queued', 'delivered', 'seen', 'acted'] as const;
const PRIORITIES = ['now', 'next', 'later'] as const;

interface InjectOptions {
  priority: string;
  wait?: string;
  timeout: string;
  json?: boolean;
}

export function registerInject(program: Command): void {
  declareVerb(program, {
    usage: 'inject <agent> <text...>',
    summary: 'send an agent a message while it works; `-` reads it from stdin',
    examples: [
      'aether inject researcher "Use the 2024 figures" --wait seen',
      'git diff | aether inject reviewer - --priority later',
    ],
    notes: [
      'now aborts the running tool, next is read right after it, later is a turn of its own.',
      'The receipt: queued, delivered (to the engine), seen (by the model), acted (the turn went on with it).',
    ],
  })
    .option('--priority <p>', PRIORITIES.join(' | '), 'next')
    .option('--wait <stage>', 'return once it is delivered | seen | acted')
    .option('--timeout <seconds>', 'how long to wait for that', '300')
    .option('--json', 'the receipt as JSON')
    .action(async (name: string, words: string[], options: InjectOptions, command: Command) => {
      const priority = oneOf(PRIORITIES, options.priority, '--priority');
      const wait = options.wait === undefined ? null : oneOf(STAGES.slice(1), options.wait, '--wait');
      const timeout_ms = secondsOf(options.timeout, 300) * 1_000;
      const text = words.length === 1 && words[0] === '-' ? await readStdin() : words.join(' ');
      await withHost(invocation(globalsOf(command)), async (client) => {
        const view = await client.call('agent', name);
        if (view.runtime === 'command' && (wait === 'seen' || wait === 'acted')) {
          throw new AetherError({
            code: 'usage.wait',
            who: 'user',
            message: `${name} is a plain command: that it was delivered is all that can be proven.`,
            next: 'Use --wait delivered.',
          });
        }
        // From before it is sent, so that no step of the receipt can be missed.
        const events = client.stream('follow', { agent: name, topics: ['inject.'] });
        const sent = await client.call('inject', name, { text, priority });
        const receipt = wait === null ? sent : await waitFor(client, events, sent, wait, timeout_ms);
        if (options.json) printJson(receipt);
        else for (const line of receiptLines(receipt)) print(line);
        if (wait !== null && !reached(receipt, wait)) process.exitCode ||= ExitCode.failed;
      });
    });
}

export function reached(receipt: InjectionView, stage: (typeof STAGES)[number]): boolean {
  const at = STAGES.indexOf(receipt.state as (typeof STAGES)[number]);
  return at >= STAGES.indexOf(stage);
}

async function waitFor(
  client: ControlClient,
  events: ReturnType<ControlClient['stream']>,
  sent: InjectionView,
  stage: (typeof STAGES)[number],
  timeout_ms: number,
): Promise<InjectionView> {
  const final = (receipt: InjectionView) =>
    reached(receipt, stage) || receipt.state === 'unknown' || receipt.state === 'cancelled';
  const timer = setTimeout(() => events.cancel(), timeout_ms);
  const restore = onInterrupt(() => {
    process.exitCode = ExitCode.interrupted;
    events.cancel();
  });
  try {
    let receipt = await client.call('injection', sent.id);
    if (final(receipt)) return receipt;
    for await (const _event of events) {
      receipt = await client.call('injection', sent.id);
      if (final(receipt)) return receipt;
    }
    return receipt;
  } finally {
    clearTimeout(timer);
    restore();
    events.cancel();
  }
}

function receiptLines(receipt: InjectionView): string[] {
  return [
    `${receipt.id} ${receipt.state}`,
    ...receipt.steps.map((step) =>
      oneLine(`  ${new Date(step.at_ms).toISOString()} ${step.stage}: ${step.evidence}`),
    ),
  ];
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
