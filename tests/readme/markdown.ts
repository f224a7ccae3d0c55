/** The parts of a Markdown file that claim something a program can check: its fenced blocks, tables and links. */

export interface Block {
  /** What stands behind the opening fence; empty when nothing does. */
  language: string;
  /** Of the opening fence, from 1. */
  line: number;
  text: string;
}

/** @throws Error when a fence is not closed: the rest of the page would be taken for code. */
export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  let open: { block: Block; fence: string; lines: string[] } | null = null;
  for (const [index, line] of markdown.split('\n').entries()) {
    if (open === null) {
      const opening = /^ {0,3}(`{3,}|~{3,})\s*(.*?)\s*$/.exec(line);
      if (opening) {
        const block = { language: opening[2]!, line: index + 1, text: '' };
        open = { block, fence: opening[1]!, lines: [] };
      }
    } else if (line.trim().startsWith(open.fence) && /^[`~]+$/.test(line.trim())) {
      blocks.push({ ...open.block, text: open.lines.join('\n') });
      open = null;
    } else open.lines.push(line);
  }
  if (open !== null) throw new Error(`the fence of line ${open.block.line} is not closed`);
  return blocks;
}

/** @returns the cells of the body rows of the table whose first heading is `heading`. */
export function tableOf(markdown: string, heading: string): string[][] {
  const lines = markdown.split('\n');
  const start = lines.findIndex((line) => line.startsWith(`| ${heading} |`));
  if (start === -1) throw new Error(`there is no table that begins with ${heading}`);
  const end = lines.findIndex((line, index) => index > start && !line.startsWith('|'));
  return lines.slice(start + 2, end === -1 ? undefined : end).map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** @returns what stands between single backticks, outside of fences. */
export function codeOf(markdown: string): string[] {
  const prose = blocksOf(markdown).reduce((text, block) => text.replace(block.text, ''), markdown);
  return [...prose.replace(/^ *```.*$/gm, '').matchAll(/`([^`]+)`/g)].map((match) => match[1]!);
}

/** @returns the targets of links and images. */
export function linksOf(markdown: string): string[] {
  return [...markdown.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1]!);
}

/** @returns the anchors that headings get. */
export function anchorsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(
    ([, title]) =>
      `#${title!
        .toLowerCase()
        .replace(/[^\p{L}\p{N} -]/gu, '')
        .replaceAll(' ', '-')}`,
  );
}
