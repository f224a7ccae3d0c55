/**
 * The part of Markdown that agents use, parsed into a tree that markdown.tsx turns into elements. Text stays
 * text: there is no HTML in it and none is made.
 */
export type Inline =
  | { kind: 'text'; text: string }
  | { kind: 'code'; text: string }
  | { kind: 'strong' | 'em' | 'strike'; children: Inline[] }
  | { kind: 'link'; href: string; children: Inline[] };

export type Block =
  | { kind: 'paragraph'; children: Inline[] }
  | { kind: 'heading'; level: number; children: Inline[] }
  | { kind: 'code'; language: string; text: string }
  | { kind: 'quote'; children: Block[] }
  | { kind: 'list'; ordered: boolean; start: number; items: Block[][] }
  | { kind: 'table'; head: Inline[][]; rows: Inline[][][] }
  /** Blank lines in a row that are more than a gap between paragraphs. */
  | { kind: 'gap'; lines: number }
  | { kind: 'rule' };

/** Quotes and lists inside each other; deeper ones are shown as text. */
const DEPTH_MAX = 6;

/** More are shown as a count. */
const BLANK_LINES_MAX = 3;

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([\w+#.-]*)([^`]*)$/;
const HEADING = /^ {0,3}(#{1,6})\s+(\S.*)$/;
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const ITEM = /^( *)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const DIVIDER = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

export function parseMarkdown(source: string): Block[] {
  return blocks(source.replace(/\r\n?/g, '\n').split('\n'), 0);
}

function blocks(lines: string[], depth: number): Block[] {
  const out: Block[] = [];
  let paragraph: string[] = [];
  const endParagraph = (): void => {
    if (paragraph.length > 0) out.push({ kind: 'paragraph', children: inline(paragraph.join('\n')) });
    paragraph = [];
  };
  for (let at = 0; at < lines.length; ) {
    const line = lines[at]!;
    const fence = FENCE.exec(line);
    if (fence) {
      endParagraph();
      let end = at + 1;
      while (end < lines.length && !lines[end]!.trimStart().startsWith(fence[1]!)) end += 1;
      const info = fence[3]!.trim();
      // What stands behind the language is no part of the code, and is not lost.
      if (info !== '') out.push({ kind: 'paragraph', children: [{ kind: 'text', text: info }] });
      out.push({ kind: 'code', language: fence[2]!, text: lines.slice(at + 1, end).join('\n') });
      at = end + 1;
      continue;
    }
    if (line.trim() === '') {
      endParagraph();
      let end = at + 1;
      while (end < lines.length && lines[end]!.trim() === '') end += 1;
      if (end - at > BLANK_LINES_MAX) out.push({ kind: 'gap', lines: end - at });
      at = end;
      continue;
    }
    const heading = HEADING.exec(line);
    if (heading) {
      endParagraph();
      out.push({
        kind: 'heading',
        level: heading[1]!.length,
        children: inline(heading[2]!.trimEnd().replace(/ #+$/, '')),
      });
      at += 1;
      continue;
    }
    if (RULE.test(line)) {
      endParagraph();
      out.push({ kind: 'rule' });
      at += 1;
      continue;
    }
    if (depth < DEPTH_MAX && /^ {0,3}>/.test(line)) {
      endParagraph();
      let end = at;
      while (end < lines.length && /^ {0,3}>/.test(lines[end]!)) end += 1;
      const inner = lines.slice(at, end).map((quoted) => quoted.replace(/^ {0,3}> ?/, ''));
      out.push({ kind: 'quote', children: blocks(inner, depth + 1) });
      at = end;
      continue;
    }
    if (depth < DEPTH_MAX && ITEM.test(line)) {
      endParagraph();
      const { block, end } = listAt(lines, at, depth);
      out.push(block);
      at = end;
      continue;
    }
    if (line.includes('|') && isDivider(lines[at + 1]) && paragraph.length === 0) {
      let end = at + 2;
      while (end < lines.length && lines[end]!.includes('|')) end += 1;
      const rows = lines.slice(at + 2, end).map(cells);
      out.push({ kind: 'table', head: cells(line), rows });
      at = end;
      continue;
    }
    paragraph.push(line);
    at += 1;
  }
  endParagraph();
  return out;
}

function isDivider(line: string | undefined): boolean {
  return line !== undefined && line.length < 1_000 && DIVIDER.test(line);
}

function listAt(lines: string[], from: number, depth: number): { block: Block; end: number } {
  const first = ITEM.exec(lines[from]!)!;
  const indent = first[1]!.length;
  const ordered = /\d/.test(first[2]!);
  const items: string[][] = [];
  let at = from;
  for (; at < lines.length; at += 1) {
    const line = lines[at]!;
    const item = ITEM.exec(line);
    if (item && item[1]!.length <= indent + 1) {
      if (item[1]!.length < indent || /\d/.test(item[2]!) !== ordered) break;
      items.push([item[3]!]);
      continue;
    }
    const deeper = line.length - line.trimStart().length > indent;
    if (line.trim() === '') {
      // A blank line ends the list unless what follows still belongs to it.
      const next = lines[at + 1] ?? '';
      const nextItem = ITEM.exec(next);
      const belongs = (nextItem && nextItem[1]!.length >= indent) || /^\s{2,}\S/.test(next);
      if (!belongs) break;
      items.at(-1)!.push('');
      continue;
    }
    if (!deeper) break;
    items
      .at(-1)!
      .push(line.slice(Math.min(indent + first[2]!.length + 1, line.length - line.trimStart().length)));
  }
  return {
    block: {
      kind: 'list',
      ordered,
      start: ordered ? Number.parseInt(first[2]!, 10) : 1,
      items: items.map((item) => blocks(item, depth + 1)),
    },
    end: at,
  };
}

function cells(line: string): Inline[][] {
  return line
    .trim()
    .replace(/^\||\|$/g, '')
    .split(/(?<!\\)\|/)
    .map((cell) => inline(cell.trim().replaceAll('\\|', '|')));
}

/**
 * By hand and not by one regular expression: an agent decides what it says, and no text may cost more than time in
 * proportion to its length. A mark whose end was not found once is not looked for again.
 */
function inline(source: string, depth = 0): Inline[] {
  const out: Inline[] = [];
  const endless = new Set<string>();
  let plain = 0;
  let at = 0;
  const emit = (end: number, next: number, piece: Inline): void => {
    if (end > plain) out.push({ kind: 'text', text: source.slice(plain, end) });
    out.push(piece);
    at = next;
    plain = next;
  };
  /** Position of the mark that closes, or -1. */
  const closing = (mark: string, from: number): number => {
    if (endless.has(mark)) return -1;
    const end = source.indexOf(mark, from);
    if (end < 0) endless.add(mark);
    return end;
  };
  while (at < source.length) {
    const found = source.slice(at).search(/[`*_~[h]/);
    if (found < 0) break;
    at += found;
    const before = source[at - 1] ?? ' ';
    const mark = source[at]!;
    if (mark === '`') {
      const ticks = /^`+/.exec(source.slice(at))![0];
      const end = closing(ticks, at + ticks.length);
      if (end > 0 && source[end + ticks.length] !== '`') {
        emit(at, end + ticks.length, { kind: 'code', text: source.slice(at + ticks.length, end) });
      } else at += ticks.length;
      continue;
    }
    if (mark === 'h') {
      const url = /^https?:\/\/[^\s<>"'`)\]]+/
        .exec(source.slice(at, at + 2_000))?.[0]
        .replace(/[.,;:!?*_]+$/, '');
      if (url && !/\w/.test(before)) {
        emit(at, at + url.length, { kind: 'link', href: url, children: [{ kind: 'text', text: url }] });
      } else at += 1;
      continue;
    }
    if (mark === '[') {
      const link = /^\[([^\]\n]{1,500})\]\(([^\s)]{1,2000})\)/.exec(source.slice(at, at + 2_600));
      if (link && isSafeLink(link[2]!) && depth < DEPTH_MAX) {
        emit(at, at + link[0].length, {
          kind: 'link',
          href: link[2]!,
          children: inline(link[1]!, depth + 1),
        });
      } else at += 1;
      continue;
    }
    const double = source[at + 1] === mark;
    const width = double ? 2 : 1;
    const open = at + width;
    const kind = mark === '~' ? (double ? 'strike' : null) : double ? 'strong' : 'em';
    // `snake_case` and `2 * 3` are not emphasis.
    const opens = kind !== null && /\S/.test(source[open] ?? ' ') && !(width === 1 && /\w/.test(before));
    let end = opens && depth < DEPTH_MAX ? closing(mark.repeat(width), open + 1) : -1;
    // In `**a *b***` the last two close the outer one.
    while (double && end > 0 && source[end + 2] === mark) end += 1;
    const closes =
      end > 0 && /\S/.test(source[end - 1]!) && !(width === 1 && /\w/.test(source[end + 1] ?? ' '));
    if (kind !== null && closes) {
      emit(at, end + width, { kind, children: inline(source.slice(open, end), depth + 1) });
    } else at += width;
  }
  if (plain < source.length) out.push({ kind: 'text', text: source.slice(plain) });
  return out;
}

/** Only what leads to a web page or a mail program; never script, data or a path of this origin. */
export function isSafeLink(href: string): boolean {
  return /^(https?:\/\/|mailto:)/i.test(href);
}
