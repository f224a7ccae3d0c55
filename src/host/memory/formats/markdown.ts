/**
 * Markdown for people: each memory is a section whose fields stand in a comment above its text. Notes that were written
 * by hand are read, too: each item of a list is a memory, and each paragraph outside of one, with the headings above
 * it as tags.
 */
import { cutText } from '../../text.ts';
import { parsed } from './jsonl.ts';
import { Found, type MemoryFormat, type PortableMemory, portableOf, type TextFile } from './portable.ts';

const MARK = '<!-- memory ';
const MARKED = /^(\\*)<!-- memory /;
const TITLE_CHARS = 60;
const TAG_CHARS = 64;

export const markdown: MemoryFormat = {
  name: 'markdown',
  folder: false,

  read(files) {
    const found = new Found();
    for (const file of files) {
      if (file.text.split('\n').some((line) => line.startsWith(MARK))) readOurs(found, file);
      else readNotes(found, file);
    }
    return found;
  },

  write: (memories) => [{ name: 'memories.md', text: `# Memories\n${memories.map(section).join('')}` }],
};

function section({ text, ...fields }: PortableMemory): string {
  const title = fields.key ?? cutText(text.trim().split('\n', 1)[0] ?? '', { chars_max: TITLE_CHARS });
  // Neither can the comment be ended by a field, nor a text begin a section.
  const json = JSON.stringify(fields).replaceAll('-->', '--\\u003e');
  const body = text.replace(/^(\\*<!-- memory )/gm, '\\$1');
  return `\n## ${title.replace(/\s+/g, ' ')}\n${MARK}${json} -->\n${body}\n`;
}

/** The heading of a section stands before its comment: it ends the text above, by an empty line before it. */
function readOurs(found: Found, { name, text }: TextFile): void {
  const lines = text.split('\n');
  let open: { fields: unknown; from: number } | null = null;
  const close = (end: number) => {
    if (open === null) return;
    const body = lines.slice(open.from, end).join('\n');
    const memory = portableOf({
      ...(open.fields as object),
      text: body.replace(/^\\(\\*<!-- memory )/gm, '$1'),
    });
    if (memory !== null) found.add(memory);
  };
  for (const [index, line] of lines.entries()) {
    if (!line.startsWith(MARK)) continue;
    // Before it: an empty line and the heading.
    const heading = index >= 1 && lines[index - 1]!.startsWith('## ');
    close(heading ? index - 1 - (lines[index - 2] === '' ? 1 : 0) : index);
    const fields = parsed(line.slice(MARK.length).replace(/-->\s*$/, ''));
    if (fields === null || typeof fields !== 'object')
      found.problem(`${name}:${index + 1}: the comment is not JSON; its section is read without it.`);
    open = { fields, from: index + 1 };
  }
  close(lines.at(-1) === '' ? lines.length - 1 : lines.length);
  if (lines.some((line) => MARKED.test(line)) === false) found.problem(`${name}: no memory.`);
}

const ITEM = /^(\s*)(?:[-*+]|\d{1,9}[.)])\s+(.*)$/;

/** By hand. */
export function readNotes(found: Found, { text }: TextFile): void {
  const headings: string[] = [];
  let current: string[] = [];
  const flush = () => {
    const said = current.join('\n').trim();
    current = [];
    const tags = headings
      .filter((heading) => heading !== '')
      .map((heading) => cutText(heading, { chars_max: TAG_CHARS }));
    if (said !== '') found.add({ text: said, ...(tags.length > 0 ? { tags } : {}) });
  };
  let fenced = false;
  for (const line of withoutFrontMatter(text).split(/\r?\n/)) {
    if (/^\s*(```|~~~)/.test(line)) fenced = !fenced;
    const heading = fenced ? null : /^(#{1,6})\s+(.*?)\s*#*$/.exec(line);
    const item = fenced ? null : ITEM.exec(line);
    if (heading !== null) {
      flush();
      headings.length = Math.min(headings.length, heading[1]!.length - 1);
      while (headings.length < heading[1]!.length - 1) headings.push('');
      headings.push(heading[2]!);
    } else if (item !== null && item[1]!.length < 2) {
      flush();
      current.push(item[2]!.replace(/^\[[ xX]\]\s+/, ''));
    } else if (line.trim() === '' && !fenced) flush();
    else if (!/^\s*<!--.*-->\s*$/.test(line)) current.push(item === null ? line.trim() : line);
  }
  flush();
}

export function withoutFrontMatter(text: string): string {
  return text.replace(/^\uFEFF?---\r?\n[\s\S]*?\r?\n---[ \t]*(\r?\n|$)/, '');
}
