/**
 * The folder in which Claude Code keeps its own memory of a project: MEMORY.md, which it always reads, and a file for
 * each topic with a head of `name`, `description` and `type`.
 */
import type { MemoryLayer } from '../../shapes.ts';
import { cutText } from '../../text.ts';
import { parsed } from './jsonl.ts';
import { readNotes, withoutFrontMatter } from './markdown.ts';
import { Found, type MemoryFormat, type PortableMemory, type TextFile } from './portable.ts';

const INDEX = 'MEMORY.md';
const WORDS_CHARS = 120;
const TITLE_CHARS = 40;
const FILE_CHARS = 60;
/** A line of the index that points to a file: it says nothing of its own. */
const POINTER = /^\s*[-*+]\s+\[[^\]]*\]\([^)]*\.md\).*$/gm;

const LAYER_OF: Record<string, MemoryLayer> = { user: 'social', feedback: 'procedural' };
const TYPE_OF: Record<MemoryLayer, string> = {
  social: 'user',
  procedural: 'feedback',
  semantic: 'project',
  episodic: 'project',
};

export const autoMemory: MemoryFormat = {
  name: 'claude',
  folder: true,

  read(files) {
    const found = new Found();
    for (const file of files) {
      if (!file.name.toLowerCase().endsWith('.md')) continue;
      if (baseOf(file.name) === INDEX) readNotes(found, { ...file, text: file.text.replace(POINTER, '') });
      else readTopic(found, file);
    }
    if (files.length > 0 && found.memories.length === 0) found.problem('No file with a memory was found.');
    return found;
  },

  write(memories) {
    const names = new Set<string>();
    const files = memories.map((memory): [PortableMemory, TextFile] => {
      const file = topicOf(memory, freeName(memory, names));
      return [memory, file];
    });
    const index = files.map(
      ([memory, { name }]) => `- [${titleOf(memory)}](${name}) — ${firstWords(memory)}\n`,
    );
    return [{ name: INDEX, text: `# Memory\n\n${index.join('')}` }, ...files.map(([, file]) => file)];
  },
};

const baseOf = (name: string): string => name.slice(name.lastIndexOf('/') + 1);

function readTopic(found: Found, { name, text }: TextFile): void {
  const head = /^\uFEFF?---\r?\n([\s\S]*?)\r?\n---/.exec(text)?.[1] ?? '';
  const field = (key: string): string => {
    const value = new RegExp(`^\\s*${key}:[ \\t]*(.*)$`, 'm').exec(head)?.[1]?.trim() ?? '';
    const quoted = value.startsWith('"') ? parsed(value) : null;
    return typeof quoted === 'string' ? quoted : value.replace(/^(["'])(.*)\1$/, '$2');
  };
  const body = withoutFrontMatter(text).trim();
  const description = field('description');
  const said =
    description === '' || squeezed(body).includes(squeezed(description)) ? body : `${description}\n\n${body}`;
  const type = field('type');
  found.add({
    text: said.trim(),
    key: field('name') || baseOf(name).replace(/\.md$/i, ''),
    layer: (Object.hasOwn(LAYER_OF, type) ? LAYER_OF[type] : undefined) ?? 'semantic',
    ...(type === '' ? {} : { tags: [type] }),
  });
}

const squeezed = (text: string): string => text.trim().replace(/\s+/g, ' ');
const firstWords = ({ text }: PortableMemory): string => cutText(squeezed(text), { chars_max: WORDS_CHARS });
const titleOf = (memory: PortableMemory): string =>
  (memory.key ?? cutText(firstWords(memory), { chars_max: TITLE_CHARS })).replace(/[[\]\n]/g, ' ');

/** Of characters that every file system has: a key may be a path, or one that a disk does not tell from another. */
function freeName(memory: PortableMemory, names: Set<string>): string {
  const plain = cutText(titleOf(memory), { chars_max: FILE_CHARS })
    .toLowerCase()
    .normalize('NFKD')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  const base = plain === '' || plain === 'memory' ? 'note' : plain;
  let name = base;
  for (let at = 2; names.has(name); at++) name = `${base}-${at}`;
  names.add(name);
  return `${name}.md`;
}

function topicOf(memory: PortableMemory, name: string): TextFile {
  const type = TYPE_OF[memory.layer ?? 'semantic'];
  const head = [
    '---',
    `name: ${JSON.stringify(memory.key ?? name.replace(/\.md$/, ''))}`,
    `description: ${JSON.stringify(firstWords(memory))}`,
    `type: ${type}`,
    '---',
  ];
  return { name, text: `${head.join('\n')}\n\n${memory.text.trim()}\n` };
}
