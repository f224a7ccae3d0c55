/**
 * A memory on its way between hosts and tools, and what each format of files does. Pure: who calls it reads and writes
 * the files. What is read was written by others: a part that cannot be read is a problem in words, and the rest counts.
 */
import type { MemoryLayer } from '../../shapes.ts';

export interface PortableMemory {
  text: string;
  key?: string;
  tags?: string[];
  layer?: MemoryLayer;
  importance?: number;
  pinned?: boolean;
  /** When it was stored where it comes from. */
  created_ms?: number;
  valid_from_ms?: number;
  expires_ms?: number;
  /** For people: who stored it, where it stood. Neither is taken over by an import. */
  author?: string;
  scope?: string;
}

/** `name`: a path with `/`, from the folder that is read or written. */
export interface TextFile {
  name: string;
  text: string;
}

export interface ReadMemories {
  memories: PortableMemory[];
  /** What was passed over, a sentence each. */
  problems: string[];
}

export interface MemoryFormat {
  name: string;
  /** One file, or a folder of them. */
  folder: boolean;
  read(files: readonly TextFile[]): ReadMemories;
  write(memories: readonly PortableMemory[]): TextFile[];
}

export const LAYERS: readonly MemoryLayer[] = ['episodic', 'semantic', 'procedural', 'social'];

const PROBLEMS_MAX = 20;

/** Collects what is read. */
export class Found implements ReadMemories {
  readonly memories: PortableMemory[] = [];
  readonly problems: string[] = [];

  add(memory: PortableMemory): void {
    if (memory.text.trim() !== '') this.memories.push(memory);
  }

  problem(text: string): void {
    if (this.problems.length < PROBLEMS_MAX) this.problems.push(text);
    else if (this.problems.length === PROBLEMS_MAX) this.problems.push('There are more problems like these.');
  }
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

/** The parts of an unknown JSON value that a memory has, where they are of the right type; null without a text. */
export function portableOf(value: unknown): PortableMemory | null {
  if (value === null || typeof value !== 'object') return null;
  const given = value as Record<string, unknown>;
  const { text, key, tags, layer, importance, pinned, author, scope } = given;
  if (!isText(text) || text.trim() === '') return null;
  const times = ['created_ms', 'valid_from_ms', 'expires_ms'] as const;
  return {
    text: text.toWellFormed(),
    ...(isText(key) && key !== '' ? { key: key.toWellFormed() } : {}),
    ...(Array.isArray(tags) ? { tags: tags.filter(isText).map((tag) => tag.toWellFormed()) } : {}),
    ...(LAYERS.includes(layer as MemoryLayer) ? { layer: layer as MemoryLayer } : {}),
    ...(isCount(importance) ? { importance: Math.min(3, Math.max(0, Math.round(importance))) } : {}),
    ...(pinned === true ? { pinned } : {}),
    ...Object.fromEntries(
      times.flatMap((name) => (isCount(given[name]) ? [[name, Math.round(given[name])]] : [])),
    ),
    ...(isText(author) ? { author } : {}),
    ...(isText(scope) ? { scope } : {}),
  };
}
