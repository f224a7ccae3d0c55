/** `aether plan` and `aether apply`: what would change, and applying it. */
import { realpathSync } from 'node:fs';
import type { Command } from 'commander';
import type { Declared, TurnHabits } from '../../../runtimes/turn-habits.ts';
import type { PlanChange, PlannedLaunch, PlannedSandbox, PlanView } from '../../api.ts';
import { listEnds } from '../../shown/ends.ts';
import { plainText } from '../../shown/plain.ts';
import { shownLine, warningLines } from '../asked-lines.ts';
import { ExitCode } from '../exit-codes.ts';
import { frontDoor } from '../front-door.ts';
import { completed } from '../hints.ts';
import { findHost, type Invocation, invocation, requireConfig, withHost } from '../invocation.ts';
import { memoryLine } from '../memory-lines.ts';
import { paint, print, printJson, warn } from '../output.ts';
import { oneLine } from '../text.ts';
import { type CliCommand, declareVerb, globalsOf } from '../verb.ts';

export const commands: CliCommand[] = [
  { names: ['plan'], place: 20, register: registerPlan },
  { names: ['apply'], place: 40, register: registerApply },
];

interface PlanOptions {
  json?: boolean;
  full?: boolean;
}

/** What does not exist before the start. */
const PLACEHOLDERS =
  'RUN is the id of the run and (sockets) their directory: both are known when it starts, as is the id of a conversation.';

/** Lines of a generated file that are shown without --full. */
const FILE_LINES = 12;

function registerPlan(program: Command): void {
  declareVerb(program, {
    usage: 'plan',
    summary: 'show what would change and exactly what each runtime would be given; starts nothing',
    examples: ['aether plan', 'aether plan --full', 'aether plan -f fleet.yaml --json'],
    notes: [
      'Works without a host. Secrets are masked. Exit code 1 when an agent could not be started.',
      PLACEHOLDERS,
    ],
  })
    .option('--json', 'the plan as JSON')
    .option('--full', 'generated files in full')
    .action(async (options: PlanOptions, command: Command) => {
      const invoked = invocation(globalsOf(command));
      requireConfig(invoked);
      const plan = await planOf(invoked);
      if (options.json) printJson(plan);
      else printPlan(plan, options.full ?? false);
      if (plan.changes.some((change) => change.problem !== null)) process.exitCode = ExitCode.failed;
    });
}

function registerApply(program: Command): void {
  declareVerb(program, {
    usage: 'apply',
    summary: 'apply the configuration to the running host, restarts and removals included',
    examples: ['aether plan && aether apply'],
    notes: [
      'An edit that only narrows what an agent may do applies by itself; every other edit waits for this command.',
    ],
  })
    .option('--json', 'what was applied, as JSON')
    .action(async (options: { json?: boolean }, command: Command) => {
      await withHost(invocation(globalsOf(command)), async (client) => {
        const plan = await client.call('apply');
        const failed = (await client.call('agents')).filter((view) => view.problem !== null);
        if (options.json) printJson(plan);
        else {
          plan.warnings.forEach(warn);
          for (const change of plan.changes.filter((one) => one.action !== 'none'))
            print(headline(change, 'done'));
          if (plan.changes.every((one) => one.action === 'none')) print('Nothing had changed.');
          for (const view of failed) {
            print(
              paint(
                'red',
                completed(oneLine(`${view.name}: ${view.problem?.message} ${view.problem?.next}`)),
              ),
            );
          }
        }
        if (failed.length > 0) process.exitCode = ExitCode.failed;
      });
    });
}

/** The host's plan where one runs this file (it knows what is running), otherwise against the state directory. */
async function planOf(invoked: Invocation): Promise<PlanView> {
  const client = await findHost(invoked);
  try {
    const { configFile } = client ? await client.call('info') : { configFile: null };
    if (client && configFile !== null && realpathSync(configFile) === realpathSync(invoked.configFile)) {
      return await client.call('plan');
    }
  } finally {
    client?.close();
  }
  const { planWithoutHost } = await frontDoor();
  return planWithoutHost({ configFile: invoked.configFile, stateDir: invoked.stateDir });
}

/** `word` is said before it is done, `done` after. */
const SIGNS: Record<
  PlanChange['action'],
  { sign: string; format: Parameters<typeof paint>[0]; word: string; done: string }
> = {
  add: { sign: '+', format: 'green', word: 'would be started', done: 'was added' },
  change: {
    sign: '~',
    format: 'yellow',
    word: 'would change, without a restart',
    done: 'was changed, without a restart',
  },
  restart: { sign: '±', format: 'yellow', word: 'would be restarted', done: 'was restarted' },
  remove: { sign: '-', format: 'red', word: 'would be stopped and removed', done: 'was stopped and removed' },
  none: { sign: ' ', format: 'dim', word: 'is as configured', done: 'is as configured' },
};

function headline(change: PlanChange, tense: 'word' | 'done' = 'word'): string {
  const { sign, format, [tense]: word } = SIGNS[change.action];
  const keys = change.changed.length > 0 ? ` (${change.changed.join(', ')})` : '';
  return paint(format, oneLine(`${sign} ${change.agent} ${word}${keys}`));
}

function printPlan(plan: PlanView, full: boolean): void {
  print(paint('dim', plan.configFile));
  print(paint('dim', oneLine(`memory: ${memoryLine(plan.memory)}`)));
  plan.warnings.forEach(warn);
  for (const change of plan.changes) {
    print();
    print(headline(change));
    if (change.why !== '') print(paint('dim', `    ${oneLine(change.why)}`));
    if (change.problem) {
      print(paint('red', `    ✗ ${oneLine(change.problem.message)}`));
      print(paint('red', `      ${completed(oneLine(change.problem.next))}`));
    }
    if (change.launch) printLaunch(change.launch, full);
  }
  if (plan.changes.some((change) => change.launch !== null)) {
    print();
    print(paint('dim', PLACEHOLDERS));
  }
  print();
  const counts = (['add', 'change', 'restart', 'remove'] as const)
    .map((action) => ({ action, n: plan.changes.filter((change) => change.action === action).length }))
    .filter(({ n }) => n > 0)
    .map(({ action, n }) => `${n} to ${action}`);
  print(footer(counts, plan.changes.filter((change) => change.problem !== null).length));
}

function footer(counts: string[], stuck: number): string {
  if (stuck > 0) {
    const what = stuck === 1 ? 'One agent cannot' : `${stuck} agents cannot`;
    return completed(
      `${counts.join(', ')}${counts.length > 0 ? '. ' : ''}${what} start as it is: see ✗ above, and \`aether doctor\`.`,
    );
  }
  return counts.length === 0
    ? 'Nothing would change.'
    : completed(`${counts.join(', ')}. Apply it with \`aether up\`.`);
}

const SECOND = {
  folded: 'a message in mid-turn is read after the running tool',
  queued: 'a message in mid-turn waits for the end of the turn',
  cancels: 'a message in mid-turn would end the turn, so it is kept until then',
};
const ASKS = {
  everything: 'asks before every tool call',
  some: 'asks before the tool calls that it chooses',
  nothing: 'asks before no tool call, so `permissions` have no effect',
};
const CONVERSATION = {
  locked: 'a second process is refused its conversation',
  shared: 'a second process shares its conversation',
  lost: 'a second process on its conversation would lose turns',
};

function habitsLine({ second, asks, conversation }: TurnHabits): string {
  const said: [string, Declared<string>][] = [
    [SECOND[second.is], second],
    [ASKS[asks.is], asks],
    [CONVERSATION[conversation.is], conversation],
  ];
  return said.map(([words, { grade }]) => `${words} (${grade})`).join('; ');
}

function printLaunch(launch: PlannedLaunch, full: boolean): void {
  const field = (label: string, value: string) =>
    print(`    ${paint('dim', label.padEnd(9))}${shownLine(value)}`);
  for (const line of warningLines([...launch.argv, launch.cwd, ...Object.values(launch.env)], 'code'))
    print(`    ${line}`);
  field('runtime', `${launch.runtime} (${launch.io})`);
  field('argv', launch.argv.map(shellWord).join(' '));
  field('cwd', launch.cwd);
  field('auth', launch.auth);
  if (launch.messages !== null) field('messages', launch.messages);
  if (launch.turns !== null) field('turns', habitsLine(launch.turns));
  if (launch.memory_bytes !== null)
    field('memory', `about ${(launch.memory_bytes / 1e9).toFixed(1)} GB while it runs`);
  field('recall', launch.recall);
  if (launch.adopted !== null)
    field('adopted', `goes on with a copy of the conversation ${launch.adopted}, begun by hand`);
  field(
    'mcp',
    `${[launch.mcp.command, ...launch.mcp.args].map(shellWord).join(' ')}  tools: ${launch.mcp.tools === 'all' ? 'all' : launch.mcp.tools.join(', ') || 'none'}`,
  );
  const { repository } = launch;
  for (const [index, { file, kind, what }] of (repository?.items ?? []).entries()) {
    const label = repository!.trusted ? 'trusts' : 'left out';
    const how = index === 0 && !repository!.trusted ? '; applies with trust: true' : '';
    field(index === 0 ? label : '', `${kind} ${what} (${file}${how})`);
  }
  printSandbox(launch.sandbox, field);
  for (const [index, name] of Object.keys(launch.env).sort().entries()) {
    field(index === 0 ? 'env' : '', `${name}=${launch.env[name]}`);
  }
  for (const file of launch.files) {
    field('file', `${file.path} (${file.mode})`);
    for (const line of warningLines([file.content], 'file')) print(`      ${line}`);
    const lines = plainText(file.content, 'file').trimEnd().split('\n');
    const { head, left, tail } = listEnds(lines, full ? lines.length : FILE_LINES);
    const line = (text: string) => print(paint('dim', `      | ${text}`));
    head.forEach(line);
    if (left > 0) line(`⋯ ${left} lines (--full shows them) ⋯`);
    tail.forEach(line);
  }
}

function printSandbox(sandbox: PlannedSandbox, field: (label: string, value: string) => void): void {
  const { kind, why, write, read, kept, hidden, reaches, ports, debug, gaps, missing } = sandbox;
  field('sandbox', `${kind} (${why})`);
  if (kind !== 'none') {
    field('', `writes ${write.join(' ')}`);
    if (kept.length > 0) field('', `and not ${kept.join(' ')}`);
    field('', `reads the system’s programs, ${read.join(' ')}`);
    field('', `never sees ${hidden.join(' ')}`);
    if (debug) field('', 'debuggers work inside');
  }
  for (const gap of gaps) field('', `weaker evidence: ${gap}`);
  field('network', reaches);
  if (ports.length > 0) field('', `shows ${ports.join(' ')}`);
  for (const { what, mend } of missing) {
    // The dash is ours: what is judged is what it stands before.
    print(`${' '.repeat(4 + 9)}– ${shownLine(what)}`);
    field('', `  mend: ${mend}`);
  }
}

/** As one would type it into a shell. */
function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
