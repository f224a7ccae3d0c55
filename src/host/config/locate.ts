/** Where a key or value stands in a YAML document, through aliases and merges; and keys that may not be there. */
import { type Alias, type Document, isAlias, isMap, isScalar, isSeq, type Node, type Pair } from 'yaml';

/** What each alias of a document stands for. */
export type Aliases = ReadonlyMap<Alias, Node>;

type AnyPair = Pair<unknown, unknown>;

export interface BadKey {
  path: string[];
  pair: AnyPair;
  /** The pair that had the key before; null for a key that JavaScript gives a meaning of its own. */
  first: AnyPair | null;
}

/** Keys given twice, in one linear pass. */
export function badKeys(document: Document.Parsed): BadKey[] {
  const found: BadKey[] = [];
  const walk = (node: unknown, path: string[]): void => {
    if (isSeq(node)) {
      for (const [index, item] of node.items.entries()) walk(item, [...path, String(index)]);
    } else if (isMap(node)) {
      const seen = new Map<string, AnyPair>();
      for (const pair of node.items) {
        const name = keyOf(pair);
        const first = seen.get(name);
        if (name === '__proto__') found.push({ path: [...path, name], pair, first: null });
        // Several merges (`<<`) into one mapping are allowed.
        if (first && name !== '<<') found.push({ path: [...path, name], pair, first });
        else seen.set(name, pair);
        walk(pair.value, [...path, name]);
      }
    }
  };
  walk(document.contents, []);
  return found;
}

export function keyOf(pair: AnyPair): string {
  return isScalar(pair.key) ? String(pair.key.source ?? pair.key.value ?? '') : '';
}

export function offsetOf(node: unknown): number {
  return (node as Node | null | undefined)?.range?.[0] ?? 0;
}

export function keyOffset(pair: AnyPair): number {
  return offsetOf(pair.key);
}

/** @returns the offset of the deepest part of `path` that exists */
export function locateOffset(
  document: Document.Parsed,
  aliases: Aliases,
  path: readonly string[],
  where: 'key' | 'value',
): number {
  let node: unknown = document.contents;
  let offset = offsetOf(node);
  for (const [index, step] of path.entries()) {
    const wanted = index === path.length - 1 ? where : 'key';
    if (isAlias(node)) node = aliases.get(node);
    if (isSeq(node)) {
      node = node.items[Number(step)];
      if (!node) return offset;
      offset = offsetOf(node);
      continue;
    }
    const pair = findPair(aliases, node, step);
    if (!pair) return offset;
    node = pair.value;
    const empty = !node || (isScalar(node) && node.value === null && !node.source);
    offset = wanted === 'key' || empty ? keyOffset(pair) : offsetOf(node);
  }
  return offset;
}

/** The text of the plain scalar at `path`; null where something else stands, or nothing. */
export function plainTextAt(
  document: Document.Parsed,
  aliases: Aliases,
  path: readonly string[],
): string | null {
  const target = (node: unknown) => (isAlias(node) ? aliases.get(node) : node);
  let node: unknown = target(document.contents);
  for (const step of path)
    node = target(isSeq(node) ? node.items[Number(step)] : findPair(aliases, node, step)?.value);
  return isScalar(node) && node.type === 'PLAIN' && node.source ? node.source : null;
}

function findPair(aliases: Aliases, map: unknown, key: string): AnyPair | undefined {
  if (!isMap(map)) return undefined;
  // The last of two equal keys is the one whose value counts.
  const own = map.items.findLast((pair) => keyOf(pair) === key);
  if (own) return own;
  for (const pair of map.items) {
    if (keyOf(pair) !== '<<') continue;
    for (const source of isSeq(pair.value) ? pair.value.items : [pair.value]) {
      const found = findPair(aliases, isAlias(source) ? aliases.get(source) : source, key);
      if (found) return found;
    }
  }
  return undefined;
}
