/** One memory a line, as JSON with the fields of a memory: nothing is lost in it, and other programs read it. */
import { Found, type MemoryFormat, portableOf } from './portable.ts';

export const jsonl: MemoryFormat = {
  name: 'jsonl',
  folder: false,

  read(files) {
    const found = new Found();
    for (const { name, text } of files)
      for (const [index, line] of text.split(/\r?\n/).entries()) {
        if (line.trim() === '') continue;
        const memory = portableOf(parsed(line));
        if (memory === null) found.problem(`${name}:${index + 1}: no JSON object with a text.`);
        else found.add(memory);
      }
    return found;
  },

  write: (memories) => [
    { name: 'memories.jsonl', text: memories.map((memory) => `${JSON.stringify(memory)}\n`).join('') },
  ],
};

export function parsed(line: string): unknown {
  try {
    return JSON.parse(line.replace(/^\uFEFF/, ''));
  } catch {
    return null;
  }
}
