/** Files that an operator chose, as memories; and their way to the host, in parts. */
import type { ImportedMemories } from '../../../host/api.ts';
import { formatOf } from '../../../host/memory/formats/formats.ts';
import type { PortableMemory, TextFile } from '../../../host/memory/formats/portable.ts';
import { batches } from '../../../host/memory/formats/transfer.ts';
import { cutText } from '../../../host/text.ts';
import type { WireError } from '../../console-protocol.ts';
import { call, wireOf } from '../state/api.ts';

const FILES_MAX = 5_000;
const BYTES_MAX = 64 * 1024 * 1024;
/** Of one call: the socket takes a megabyte, and a character may be three bytes. */
const BATCH = { memories: 500, chars: 256 * 1024 };

export interface ReadFiles {
  /** For people. */
  from: string;
  format: string;
  memories: PortableMemory[];
  problems: string[];
}

/** @throws Error in words for people */
export async function readFiles(chosen: readonly File[], folder: boolean): Promise<ReadFiles> {
  const files = folder ? chosen.filter(({ name }) => /\.(md|markdown)$/i.test(name)) : chosen;
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  if (files.length > FILES_MAX || bytes > BYTES_MAX)
    throw new Error(`An import holds at most ${FILES_MAX} files and ${BYTES_MAX / 1024 / 1024} MB.`);
  if (files.length === 0)
    throw new Error(folder ? 'The folder holds no Markdown file.' : 'No file was chosen.');
  const texts: TextFile[] = [];
  for (const file of files) {
    const path = file.webkitRelativePath;
    // Of a folder the path below it.
    const name = folder && path.includes('/') ? path.slice(path.indexOf('/') + 1) : file.name;
    texts.push({ name, text: (await file.text()).toWellFormed() });
  }
  const format = formatOf(texts, folder);
  const from = folder ? (files[0]?.webkitRelativePath.split('/')[0] ?? 'a folder') : files[0]!.name;
  return { from, format: format.name, ...format.read(texts) };
}

export interface Sent {
  stored: number;
  known: number;
  fates: ImportedMemories['fates'];
  /** Why it ended before the last of them. */
  problem: WireError | null;
}

/** Each part is stored whole or not at all. @param told how many were sent; false: no more are wanted */
export async function send(
  scope: string,
  { from, format, memories }: ReadFiles,
  preview: boolean,
  told: (count: number) => boolean,
): Promise<Sent> {
  const sent: Sent = { stored: 0, known: 0, fates: [], problem: null };
  try {
    for (const batch of batches(memories, BATCH)) {
      const done = await call('importMemories', {
        ...{ scope, from: cutText(`${format} ${from}`, { chars_max: 500 }), memories: batch },
        ...(preview ? { preview } : {}),
      });
      sent.stored += done.stored;
      sent.known += done.known;
      sent.fates.push(...done.fates);
      if (!told(sent.fates.length)) break;
    }
  } catch (error) {
    sent.problem = wireOf(error);
  }
  return sent;
}
