/** Files that import each other in a loop: neither can be read, tested or moved without the other. */
import { posix } from 'node:path';
import { importsOf } from './imports.ts';

/**
 * @param sources file (relative to src/) → its text; only relative imports between them count, types too
 * @returns each loop once, as the files along it
 */
export function importLoops(sources: ReadonlyMap<string, string>): string[][] {
  const targets = (file: string) =>
    importsOf(file, sources.get(file)!)
      .filter(({ specifier }) => specifier.startsWith('.'))
      .map(({ specifier }) => posix.join(posix.dirname(file), specifier))
      .filter((target) => sources.has(target));
  const loops: string[][] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const walk = (file: string): void => {
    const at = path.indexOf(file);
    if (at >= 0) loops.push(path.slice(at));
    if (at >= 0 || done.has(file)) return;
    path.push(file);
    for (const target of targets(file)) walk(target);
    path.pop();
    done.add(file);
  };
  for (const file of sources.keys()) walk(file);
  return loops;
}
