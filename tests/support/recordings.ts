/** Recordings of real programs in a terminal (asciicast v2), as a terminal is given them. */
import { readdirSync, readFileSync } from 'node:fs';

const DIR = new URL('../fixtures/terminals/', import.meta.url);

export interface Recording {
  name: string;
  size: { cols: number; rows: number };
  /** In their order: what was printed, and new sizes. */
  events: ({ output: Buffer } | { size: { cols: number; rows: number } })[];
}

export function recordings(): Recording[] {
  return readdirSync(DIR)
    .filter((name) => name.endsWith('.cast'))
    .sort()
    .map((name) => {
      const [head, ...rest] = readFileSync(new URL(name, DIR), 'utf8').trimEnd().split('\n');
      const { width, height } = JSON.parse(head!) as { width: number; height: number };
      const events = rest.map((line): Recording['events'][number] => {
        const [, kind, data] = JSON.parse(line) as [number, string, string];
        if (kind === 'o') return { output: Buffer.from(data) };
        const [cols, rows] = data.split('x').map(Number) as [number, number];
        return { size: { cols, rows } };
      });
      return { name: name.replace('.cast', ''), size: { cols: width, rows: height }, events };
    });
}
