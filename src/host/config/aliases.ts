/**
 * What the aliases of a document stand for, found in one pass: the yaml package looks through the whole document
 * for each, and a file of aliases would keep the host busy for minutes.
 */
import { type Alias, type Document, isAlias, isMap, isSeq, type Node, type Pair, visit } from 'yaml';
import { limits } from '../limits.ts';
import { type Aliases, keyOf, offsetOf } from './locate.ts';

export interface AliasFault {
  offset: number;
  message: string;
  next: string;
}

/** Each alias and its node, or the first alias that has none or stands within its own node. */
export function resolveAliases(document: Document.Parsed): Aliases | AliasFault {
  const anchors = new Map<string, Node>();
  const found = new Map<Alias, Node>();
  let fault: AliasFault | null = null;
  visit(document, {
    Node(_key, node, path) {
      if (!isAlias(node)) {
        if (node.anchor) anchors.set(node.anchor, node);
        return undefined;
      }
      const target = anchors.get(node.source);
      if (target && !path.includes(target)) {
        found.set(node, target);
        return undefined;
      }
      fault = target
        ? {
            offset: offsetOf(node),
            message: 'This alias refers to a value that contains it.',
            next: 'Write the value out, or anchor something else.',
          }
        : {
            offset: offsetOf(node),
            message: 'This alias has no anchor before it.',
            next: 'Anchor the value it stands for with &name, earlier in the file.',
          };
      return visit.BREAK;
    },
  });
  return fault ?? found;
}

/** The document as a plain value. Aliases are expanded, up to the limit. */
export function toValue(document: Document.Parsed, aliases: Aliases): { value: unknown } | AliasFault {
  const merge = badMerge(document, aliases);
  if (merge) return merge;
  try {
    return { value: document.toJS({ maxAliasCount: limits.config_aliases_max }) };
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    const [first] = aliases.keys();
    return {
      offset: offsetOf(first),
      message: `Aliases in this file expand to more than ${limits.config_aliases_max} copies.`,
      next: 'Write the values out, or put what all agents share under `defaults:`.',
    };
  }
}

function badMerge(document: Document.Parsed, aliases: Aliases): AliasFault | null {
  const isSource = (node: unknown) => isMap(isAlias(node) ? aliases.get(node) : node);
  let bad: Pair | null = null;
  visit(document, {
    Pair(_key, pair) {
      if (keyOf(pair) !== '<<') return undefined;
      if (isSeq(pair.value) ? pair.value.items.every(isSource) : isSource(pair.value)) return undefined;
      bad = pair;
      return visit.BREAK;
    },
  });
  if (!bad) return null;
  return {
    offset: offsetOf((bad as Pair).key),
    message: 'A merge (<<) needs a mapping, or a list of mappings.',
    next: 'Write `<<: *name`, where &name is a mapping.',
  };
}
