/** The formats in which memories come and go, and which one a file has. */
import { autoMemory } from './auto-memory.ts';
import { jsonl, parsed } from './jsonl.ts';
import { markdown } from './markdown.ts';
import type { MemoryFormat, TextFile } from './portable.ts';
import { serverMemory } from './server-memory.ts';

export const FORMATS: readonly MemoryFormat[] = [jsonl, markdown, serverMemory, autoMemory];
export const FORMAT_NAMES = FORMATS.map(({ name }) => name);

export const formatNamed = (name: string): MemoryFormat | null =>
  FORMATS.find((format) => format.name === name) ?? null;

/** @param folder a directory was named */
export function formatOf(files: readonly TextFile[], folder: boolean): MemoryFormat {
  if (folder) return autoMemory;
  const { name, text } = files[0] ?? { name: '', text: '' };
  const first = parsed(text.trimStart().split('\n', 1)[0] ?? '') as { type?: unknown } | null;
  if (first?.type === 'entity' || first?.type === 'relation') return serverMemory;
  return first !== null || /\.(jsonl|ndjson|json)$/i.test(name) ? jsonl : markdown;
}
