/** A line diff, small and bounded: what an edit changed, with a few unchanged lines around it. */
export interface DiffLine {
  sign: ' ' | '+' | '-' | '…';
  text: string;
}

/** Beyond this the middle is shown as removed and added whole: the table of the algorithm is lines × lines. */
const LINES_MAX = 1_000;
const AROUND = 3;

export function diffLines(before: string, after: string): DiffLine[] {
  const a = linesOf(before);
  const b = linesOf(after);
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end])
    end += 1;

  const lines: DiffLine[] = [];
  const keep = (text: string): number => lines.push({ sign: ' ', text });
  a.slice(Math.max(0, start - AROUND), start).forEach(keep);
  lines.push(...middle(a.slice(start, a.length - end), b.slice(start, b.length - end)));
  a.slice(a.length - end, a.length - end + AROUND).forEach(keep);
  return fold(lines);
}

/** The newline at the end belongs to the last line. */
const linesOf = (text: string): string[] => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));

export function countChanges(lines: readonly DiffLine[]): { added: number; removed: number } {
  return {
    added: lines.filter((line) => line.sign === '+').length,
    removed: lines.filter((line) => line.sign === '-').length,
  };
}

/** Longest common subsequence. */
function middle(a: string[], b: string[]): DiffLine[] {
  const removed = (text: string): DiffLine => ({ sign: '-', text });
  const added = (text: string): DiffLine => ({ sign: '+', text });
  if (a.length === 0 || b.length === 0 || a.length > LINES_MAX || b.length > LINES_MAX) {
    return [...a.map(removed), ...b.map(added)];
  }
  const width = b.length + 1;
  const common = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      common[i * width + j] =
        a[i] === b[j]
          ? common[(i + 1) * width + j + 1]! + 1
          : Math.max(common[(i + 1) * width + j]!, common[i * width + j + 1]!);
    }
  }
  const lines: DiffLine[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ sign: ' ', text: a[i]! });
      i += 1;
      j += 1;
    } else if (
      j >= b.length ||
      (i < a.length && common[(i + 1) * width + j]! >= common[i * width + j + 1]!)
    ) {
      lines.push(removed(a[i]!));
      i += 1;
    } else {
      lines.push(added(b[j]!));
      j += 1;
    }
  }
  return lines;
}

/** Long unchanged stretches become one line. */
function fold(lines: DiffLine[]): DiffLine[] {
  const folded: DiffLine[] = [];
  for (let at = 0; at < lines.length; ) {
    let to = at;
    while (to < lines.length && lines[to]!.sign === ' ') to += 1;
    const run = to - at;
    if (run > 2 * AROUND + 1) {
      folded.push(...lines.slice(at, at + AROUND));
      folded.push({ sign: '…', text: `${run - 2 * AROUND} unchanged lines` });
      folded.push(...lines.slice(to - AROUND, to));
    } else folded.push(...lines.slice(at, to));
    if (to === at) folded.push(lines[to]!);
    at = to === at ? to + 1 : to;
  }
  return folded;
}
