/** `aether memory`: what agents and clients remember, to be seen, corrected, forgotten, brought and taken along. */
import type { Command } from 'commander';
import type { MemoryFilter } from '../../api.ts';
import type { ControlClient } from '../../control/client.ts';
import { AetherError } from '../../errors.ts';
import { FORMAT_NAMES } from '../../memory/formats/formats.ts';
import { hintFor } from '../hints.ts';
import { invocation, withHost } from '../invocation.ts';
import { printMemories, printQuota, printScopes, printStory } from '../memory-lines.ts';
import { exportTo, type FileOptions, importFrom, pagesOf, scopeOf, type Whose } from '../memory-transfer.ts';
import { note, print, printJson } from '../output.ts';
import { type CliCommand, declareVerb, globalsOf, refuseUnknownVerb } from '../verb.ts';

export const commands: CliCommand[] = [{ names: ['memory'], place: 152, register: registerMemory }];

interface ListOptions extends Whose {
  json?: boolean;
  status?: string;
  layer?: string;
  author?: string;
  tag?: string;
  pinned?: boolean;
  all?: boolean;
}

const PAGE = 50;
function registerMemory(program: Command): void {
  const memory = filtered(
    declareVerb(program, {
      usage: 'memory',
      summary: 'what agents remember: list, search, show, edit, forget, pin, export, import, scopes',
      examples: ['aether memory', 'aether memory search deploy target', 'aether memory show 0198c2'],
      notes: ['The beginning of an id is enough where only one memory begins with it.'],
    }).enablePositionalOptions(),
  )
    .allowExcessArguments()
    .action((options: ListOptions, command: Command) => {
      refuseUnknownVerb(command);
      return list(options, command);
    });
  filtered(
    declareVerb(memory, {
      usage: 'list',
      summary: 'the newest first (also without `list`)',
      examples: ['aether memory list --agent writer --status stale', 'aether memory list --fleet --json'],
    }),
  ).action((options: ListOptions, command: Command) => list(options, command));
  filtered(
    declareVerb(memory, {
      usage: 'search <words...>',
      summary: 'by words, the best first',
      examples: ['aether memory search deploy target', 'aether memory search ferry --json'],
    }),
  ).action((words: string[], options: ListOptions, command: Command) =>
    list(options, command, words.join(' ')),
  );
  registerOne(memory);
  registerForgetting(memory);
  registerFiles(memory);
  registerScopes(memory);
}

function filtered(command: Command): Command {
  return whose(command)
    .option(
      '--status <state>',
      'live, stale, possibly_stale, superseded or expired (default: all but superseded)',
    )
    .option('--layer <layer>', 'episodic, semantic, procedural or social')
    .option('--author <who>', 'agent:NAME, client:NAME, operator or host')
    .option('--tag <tag>', 'with this tag')
    .option('--pinned', 'pinned ones')
    .option('--all', `all of them, not the first ${PAGE}`)
    .option('--json', 'an array with everything that is known');
}

const whose = (command: Command): Command =>
  command
    .option('--agent <name>', 'of this agent')
    .option('--fleet', 'of the whole fleet')
    .option('--scope <scope>', 'of client:NAME, workspace:ID or branch:ID:NAME');

function registerOne(memory: Command): void {
  declareVerb(memory, {
    usage: 'show <id>',
    summary: 'the whole of one: its history, what it rests on, who was given it, why it is believed',
    examples: ['aether memory show 0198c2'],
  })
    .option('--json', 'everything that is known')
    .action(async (id: string, { json }: { json?: boolean }, command: Command) => {
      const invoked = invocation(globalsOf(command));
      const story = await withHost(invoked, (client) => client.call('memory', { id }));
      if (json) printJson(story);
      else printStory(story, hintFor(invoked));
    });
  declareVerb(memory, {
    usage: 'edit <id>',
    summary: 'put a corrected statement in its place; the old one stays as history',
    examples: ["aether memory edit 0198c2 --text 'The shop is deployed to fra.'"],
    notes: ['What was derived from the old one is marked stale.'],
  })
    .option('--text <text>', 'what is so now')
    .option('--key <key>', 'the name under which it is replaced')
    .option('--tags <tags>', 'separated by commas; none: empty')
    .option('--layer <layer>', 'episodic, semantic, procedural or social')
    .option('--importance <0-3>', 'how much it matters')
    .option('--expires <when>', 'a date, or from now on: 7d; or never')
    .option('--json', 'the new statement')
    .action(async (id: string, options: EditOptions, command: Command) => {
      const change = changeOf(options);
      const made = await withHost(invocation(globalsOf(command)), (client) =>
        client.call('editMemory', { id, ...change }),
      );
      if (options.json) printJson(made);
      else print(`${made.id} stands in its place${made.key === null ? '' : `, version ${made.version}`}.`);
    });
  for (const [usage, pinned, summary] of [
    ['pin <id...>', true, 'give it first, and never name it for forgetting'],
    ['unpin <id...>', false, 'pin it no more'],
  ] as const)
    declareVerb(memory, { usage, summary, examples: [`aether memory ${usage.split(' ')[0]} 0198c2`] })
      .option('--json', 'the memories')
      .action(async (ids: string[], { json }: { json?: boolean }, command: Command) => {
        await withHost(invocation(globalsOf(command)), async (client) => {
          const changed = [];
          for (const id of ids) changed.push(await client.call('pinMemory', { id, pinned }));
          if (json) printJson(changed);
          else print(`${changed.length} ${pinned ? 'pinned' : 'unpinned'}.`);
        });
      });
}

function registerForgetting(memory: Command): void {
  declareVerb(memory, {
    usage: 'forget <id...>',
    summary: 'forget it, and the earlier statements under its key, for good',
    examples: ['aether memory forget 0198c2'],
  })
    .option('--json', 'what was forgotten')
    .action(async (ids: string[], { json }: { json?: boolean }, command: Command) => {
      await withHost(invocation(globalsOf(command)), async (client) => {
        const gone = [];
        for (const id of ids) gone.push(await client.call('forgetMemory', { id }));
        if (json) printJson(gone);
        else for (const forgotten of gone) printForgotten(forgotten);
      });
    });
  declareVerb(memory, {
    usage: 'redact <id>',
    summary: 'remove what a memory said that an agent forgot, also where only you may',
    examples: ['aether memory redact 0198c2aa-0000-7000-8000-000000000000'],
    notes: ['The whole id, as the answer to forgetting names it.'],
  })
    .option('--json', 'how many places were rewritten')
    .action(async (id: string, { json }: { json?: boolean }, command: Command) => {
      await withHost(invocation(globalsOf(command)), async (client) => {
        const done = await client.call('redactMemory', { id });
        if (json) printJson(done);
        else print(`${done.places} places were rewritten.`);
      });
    });
}

function registerFiles(memory: Command): void {
  const formats = FORMAT_NAMES.join(', ');
  whose(
    declareVerb(memory, {
      usage: 'export [path]',
      summary: 'write memories to a file or a folder; to the terminal without a path',
      examples: [
        'aether memory export memories.jsonl',
        'aether memory export --agent writer --format claude notes/',
      ],
      notes: [`Formats: ${formats}. Only what stands is written, not its history.`],
    }),
  )
    .option('--format <format>', `one of ${formats} (default: by the name of the file, or jsonl)`)
    .option('--force', 'replace files that exist')
    .option('--json', 'which files were written, of how many memories')
    .action((path: string | undefined, options: FileOptions, command: Command) =>
      exportTo(invocation(globalsOf(command)), path, options),
    );
  whose(
    declareVerb(memory, {
      usage: 'import <path>',
      summary: 'store the memories of a file or a folder, in your name; what is known already is left out',
      examples: [
        'aether memory import memory.json --fleet',
        'aether memory import ~/.claude/projects/x/memory --agent writer',
      ],
      notes: [`Formats: ${formats}, told apart by what is in the file.`],
    }),
  )
    .option('--format <format>', `one of ${formats}`)
    .option('--preview', 'store nothing: how many would be new')
    .option('--json', 'how many were stored, known, and could not be read')
    .action((path: string, options: FileOptions, command: Command) =>
      importFrom(invocation(globalsOf(command)), path, options),
    );
}

function registerScopes(memory: Command): void {
  whose(
    declareVerb(memory, {
      usage: 'scopes',
      summary: 'how much each scope holds of what it may; with one named, what to forget first there',
      examples: ['aether memory scopes', 'aether memory scopes --agent writer'],
    }),
  )
    .option('--json', 'the same as JSON')
    .action(async (options: Whose & { json?: boolean }, command: Command) => {
      const scope = scopeOf(options);
      await withHost(invocation(globalsOf(command)), async (client) => {
        if (scope === undefined) {
          const { scopes, quota } = await client.call('memories', { limit: 1 });
          if (options.json) printJson({ scopes, quota });
          else printScopes({ scopes, quota });
          return;
        }
        const one = await client.call('memoryQuota', { scope });
        if (options.json) printJson(one);
        else printQuota(one);
      });
    });
}

/** What commander read is checked by the host. */
function filterOf(options: ListOptions, query?: string): MemoryFilter {
  const scope = scopeOf(options);
  const { status, layer, author, tag, pinned } = options;
  const given = { scope, state: status, layer, author, tag, pinned, query };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as MemoryFilter;
}

async function list(options: ListOptions, command: Command, query?: string): Promise<void> {
  await withHost(invocation(globalsOf(command)), async (client) => {
    const filter = filterOf(options, query);
    const { memories, more, notes } = await pagesOf(
      client,
      filter,
      options.all ? Number.POSITIVE_INFINITY : PAGE,
    );
    if (options.json) printJson(memories);
    else {
      printMemories(memories, notes);
      if (more) note(`There are more: --all lists them, and \`search\` finds them by their words.`);
    }
  });
}

interface EditOptions {
  text?: string;
  key?: string;
  tags?: string;
  layer?: string;
  importance?: string;
  expires?: string;
  json?: boolean;
}

function changeOf({ text, key, tags, layer, importance, expires }: EditOptions) {
  const words = tags?.split(',').map((tag) => tag.trim());
  const given = {
    ...{ text, key, layer },
    expires: expires === 'never' ? null : expires,
    tags: words?.filter((tag) => tag !== ''),
    importance: importance === undefined ? undefined : Number(importance),
  };
  const change = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  if (Object.keys(change).length > 0) return change;
  throw new AetherError({
    code: 'usage.memory-edit',
    who: 'user',
    message: 'Nothing to change was given.',
    next: 'Give --text, --key, --tags, --layer, --importance or --expires.',
  });
}

function printForgotten({ memory, earlier, marked, remains }: Awaited<ReturnType<typeof forgetOne>>): void {
  const stale = marked.stale + marked.possibly_stale;
  const more = [
    earlier.length > 0 ? `${earlier.length} earlier under its key as well` : null,
    stale > 0 ? `${stale} that rest on it are marked stale` : null,
  ].filter((part) => part !== null);
  print(`${memory.id} is forgotten${more.length > 0 ? `; ${more.join('; ')}` : ''}.`);
  for (const { what, where, how } of remains)
    note(`It still stands in ${what} (${where.slice(0, 5).join(', ')}): ${how}.`);
}

const forgetOne = (client: ControlClient, id: string) => client.call('forgetMemory', { id });
