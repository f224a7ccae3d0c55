/** Memories on their way to files and back, through the verbs of the host. */
import type { CuratedMemory, MemoryFilter } from '../api.ts';
import type { ControlClient } from '../control/client.ts';
import { AetherError } from '../errors.ts';
import { limits } from '../limits.ts';
import { FORMAT_NAMES, formatNamed, formatOf } from '../memory/formats/formats.ts';
import type { MemoryFormat } from '../memory/formats/portable.ts';
import { batches, portable } from '../memory/formats/transfer.ts';
import { type Invocation, withHost } from './invocation.ts';
import { filesAt, writeFiles } from './memory-files.ts';
import { print, printJson, warn } from './output.ts';

/** Of one call: a line of the control socket holds far more. */
const BATCH_CHARS = 1024 * 1024;

export interface Whose {
  agent?: string;
  fleet?: boolean;
  scope?: string;
}

export interface FileOptions extends Whose {
  format?: string;
  force?: boolean;
  json?: boolean;
  preview?: boolean;
}

/** @throws AetherError `usage.memory-scope` where more than one is named */
export function scopeOf({ agent, fleet, scope }: Whose): string | undefined {
  const named = [agent === undefined ? undefined : `agent:${agent}`, fleet ? 'fleet' : undefined, scope];
  const given = named.filter((one) => one !== undefined);
  if (given.length <= 1) return given[0];
  throw new AetherError({
    code: 'usage.memory-scope',
    who: 'user',
    message: '--agent, --fleet and --scope name one scope each.',
    next: 'Give one of them.',
  });
}

/** Page by page, as many as are wanted. */
export async function pagesOf(
  client: ControlClient,
  filter: MemoryFilter,
  wanted: number,
): Promise<{ memories: CuratedMemory[]; more: boolean; notes: string[] }> {
  const memories: CuratedMemory[] = [];
  let notes: string[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const limit = Math.min(limits.memories_page_max, wanted - memories.length);
    if (limit <= 0) return { memories, more: true, notes };
    const page = await client.call('memories', {
      ...filter,
      limit,
      ...(cursor === undefined ? {} : { cursor }),
    });
    if (cursor === undefined) notes = page.notes;
    memories.push(...page.memories);
    cursor = page.cursor;
  }
  return { memories, more: false, notes };
}

export async function exportTo(
  invoked: Invocation,
  path: string | undefined,
  options: FileOptions,
): Promise<void> {
  const format = options.format === undefined ? formatFor(path) : named(options.format);
  if (format.folder && path === undefined) throw needsFolder(format);
  const scope = scopeOf(options);
  await withHost(invoked, async (client) => {
    const { memories } = await pagesOf(
      client,
      scope === undefined ? {} : { scope },
      Number.POSITIVE_INFINITY,
    );
    // The oldest first: brought again in this order they stand as they stood.
    const files = format.write(memories.map(portable).reverse());
    if (path === undefined || path === '-') {
      process.stdout.write(files.map(({ text }) => text).join(''));
      return;
    }
    const written = writeFiles(path, files, format.folder, options.force ?? false);
    if (options.json) printJson({ memories: memories.length, files: written, format: format.name });
    else print(`${memories.length} memories written to ${path} (${format.name}).`);
  });
}

export async function importFrom(invoked: Invocation, path: string, options: FileOptions): Promise<void> {
  const scope = scopeOf(options);
  if (scope === undefined) {
    throw new AetherError({
      code: 'usage.memory-scope',
      who: 'user',
      message: 'It is not said whose memory this is to be.',
      next: 'Add --agent NAME, or --fleet for every agent.',
    });
  }
  const { files, folder } = filesAt(path);
  const format = options.format === undefined ? formatOf(files, folder) : named(options.format);
  const { memories, problems } = format.read(files);
  for (const problem of problems) warn(problem);
  await withHost(invoked, async (client) => {
    const total = { stored: 0, known: 0 };
    const preview = options.preview === true;
    for (const batch of batches(memories, { memories: limits.memories_import_max, chars: BATCH_CHARS })) {
      const { stored, known } = await client.call('importMemories', {
        scope,
        from: `${format.name} ${path}`,
        memories: batch,
        ...(preview ? { preview } : {}),
      });
      total.stored += stored;
      total.known += known;
    }
    if (options.json) printJson({ ...total, problems, format: format.name });
    else
      print(
        `${total.stored} ${preview ? 'would be stored' : 'stored'}${total.known > 0 ? `, ${total.known} ${preview ? 'are' : 'were'} known already` : ''} (${format.name}).`,
      );
  });
}

/** @throws AetherError `usage.memory-format` */
function named(name: string): MemoryFormat {
  const format = formatNamed(name);
  if (format !== null) return format;
  throw new AetherError({
    code: 'usage.memory-format',
    who: 'user',
    message: `There is no format ${JSON.stringify(name)}.`,
    next: `Use one of ${FORMAT_NAMES.join(', ')}.`,
  });
}

const formatFor = (path: string | undefined): MemoryFormat =>
  named(path !== undefined && /\.(md|markdown)$/i.test(path) ? 'markdown' : 'jsonl');

const needsFolder = ({ name }: MemoryFormat): AetherError =>
  new AetherError({
    code: 'usage.memory-format',
    who: 'user',
    message: `The format ${name} is a folder of files.`,
    next: 'Name a directory: `aether memory export --format claude DIR`.',
  });
