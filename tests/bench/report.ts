/** What a section hands back, and how it is shown: one row per measurement, a target where the issue sets one. */

export interface Row {
  section: string;
  what: string;
  unit: 'ms' | 'calls/s' | 'MB' | 'MB/s' | 'KB' | '%' | 'kept';
  aether: number;
  /** Null: there is nothing to hold it against. */
  reference: { name: string; value: number } | null;
  /** aether / reference, as the median over neighbouring pairs; null without a reference. */
  ratio: number | null;
  target: Target | null;
  /** p99, number of samples, phases: whatever helps to read the figure. */
  note: string;
}

/** The ratio, or the value itself, is to be at most (or at least) this. */
export type Target = { of: 'ratio' | 'value'; at_most: number } | { of: 'ratio' | 'value'; at_least: number };

export function meets(row: Row): boolean | null {
  const { target } = row;
  if (target === null) return null;
  const figure = target.of === 'ratio' ? row.ratio : row.aether;
  if (figure === null || Number.isNaN(figure)) return false;
  return 'at_most' in target ? figure <= target.at_most : figure >= target.at_least;
}

const UNIT_DIGITS = { ms: 3, 'calls/s': 0, MB: 1, 'MB/s': 0, KB: 1, '%': 1, kept: 0 } as const;

function figure(value: number, unit: Row['unit']): string {
  const digits = unit === 'ms' && value >= 10 ? 1 : UNIT_DIGITS[unit];
  return `${value.toFixed(digits)} ${unit}`;
}

function limit(row: Row): string {
  if (row.target === null) return '';
  const [sign, value] = 'at_most' in row.target ? ['≤', row.target.at_most] : ['≥', row.target.at_least];
  return `${sign} ${row.target.of === 'ratio' ? `${round(value)}×` : figure(value, row.unit)}`;
}

const round = (value: number): string => String(Number(value.toFixed(2)));

function verdict(row: Row): string {
  const met = meets(row);
  if (met === null) return '';
  return met ? 'pass' : 'SHORT';
}

/** A table for people, with the reference beside each figure. */
export function table(rows: readonly Row[]): string {
  const head = ['', 'aether', 'reference', 'ratio', 'target', ''];
  const lines = rows.map((row) => [
    row.what,
    figure(row.aether, row.unit),
    row.reference === null ? '' : `${figure(row.reference.value, row.unit)} ${row.reference.name}`,
    row.ratio === null ? '' : `${row.ratio.toFixed(2)}×`,
    limit(row),
    verdict(row),
  ]);
  const widths = head.map((_, column) =>
    Math.max(...[head, ...lines].map((line) => [...(line[column] ?? '')].length)),
  );
  const text: string[] = [];
  let section = '';
  const put = (line: string[]) =>
    line
      .map((cell, column) => cell + ' '.repeat(widths[column]! - [...cell].length))
      .join('  ')
      .trimEnd();
  text.push(`  ${put(head)}`);
  rows.forEach((row, index) => {
    if (row.section !== section) text.push('', row.section);
    section = row.section;
    text.push(`  ${put(lines[index]!)}`);
    if (row.note !== '') text.push(`      ${row.note}`);
  });
  return text.join('\n');
}

export function summary(rows: readonly Row[]): string {
  const judged = rows.filter((row) => meets(row) !== null);
  const short = judged.filter((row) => meets(row) === false);
  const all = `${judged.length - short.length} of ${judged.length} targets met`;
  return short.length === 0 ? all : `${all}; short: ${short.map((row) => row.what).join(' · ')}`;
}
