/** Tables that fit the terminal: the columns that may shrink give way, the others stay whole. */
import { columns, paint, print } from './output.ts';
import { oneLine, pad, shorten, width } from './text.ts';

export interface Column<Row> {
  title: string;
  value(row: Row): string;
  /** May be cut down to this many columns when the table is too wide. Left out: never cut. */
  shrinkTo?: number;
  paint?(row: Row): Parameters<typeof paint>[0] | null;
}

const GAP = 2;

/** Prints a title line and one line per row. Values may hold what an agent wrote. */
export function printTable<Row>(table: Column<Row>[], rows: Row[], total = columns()): void {
  const cells = rows.map((row) => table.map((column) => oneLine(column.value(row))));
  const widths = table.map((column, index) =>
    Math.max(width(column.title), ...cells.map((line) => width(line[index]!))),
  );
  let excess = widths.reduce((sum, one) => sum + one + GAP, -GAP) - total;
  // The last column first: what stands farthest right says the least about which row this is.
  for (let index = table.length - 1; index >= 0 && excess > 0; index -= 1) {
    const least = table[index]!.shrinkTo;
    if (least === undefined) continue;
    const given = Math.min(excess, Math.max(0, widths[index]! - least));
    widths[index]! -= given;
    excess -= given;
  }
  const line = (texts: string[]) =>
    texts
      .map((text, index) => (index === texts.length - 1 ? text : text + ' '.repeat(GAP)))
      .join('')
      .trimEnd();
  const cell = (text: string, index: number) => {
    const cut = shorten(text, widths[index]!);
    return index === table.length - 1 ? cut : pad(cut, widths[index]!);
  };
  print(line(table.map((column, index) => paint('dim', cell(column.title, index)))));
  for (const [number, row] of rows.entries()) {
    print(
      line(
        table.map((column, index) => {
          const text = cell(cells[number]![index]!, index);
          const format = column.paint?.(row) ?? null;
          return format === null ? text : paint(format, text);
        }),
      ),
    );
  }
}
