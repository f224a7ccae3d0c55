/**
 * YAML text → plain value plus positions. Only the syntax is judged here. What the yaml package does not bound
 * is bounded here: nesting and token count before it parses (both can cost it minutes), duplicate keys by our
 * own linear pass (its own check is quadratic), aliases by its limit.
 */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
  type YAMLError,
} from 'yaml';
import { limits } from '../limits.ts';
import { configError, type LocatedProblem, type Problem } from './problems.ts';
import { readConfigText } from './read.ts';
import type { Position } from './types.ts';

export interface Source {
  file: string;
  /** null for an empty file. */
  value: unknown;
  /** Found while parsing, not fatal: duplicate keys. */
  problems: LocatedProblem[];
  /** Where a key or value is written; of the nearest enclosing thing when the path does not exist. */
  position(path: readonly string[], at: 'key' | 'value'): Position;
  locate(problem: Problem): LocatedProblem;
}

/** @throws AetherError config.syntax, config.too-complex, and those of readConfigText. */
export function readSource(file: string): Source {
  return parseSource(file, readConfigText(file));
}

/** readSource() for text that was read already. `file` is only named. */
export function parseSource(file: string, text: string): Source {
  const lines = new LineCounter();
  lines.addNewLine(0);
  const syntax = (code: string, offset: number, message: string, next: string): LocatedProblem => ({
    code,
    path: [],
    at: 'value',
    message,
    next,
    position: at(lines, offset),
  });

  const excess = measure(text, lines);
  if (excess)
    throw configError(file, [
      syntax(
        'too-complex',
        excess.offset,
        excess.what,
        'Write the fleet out plainly; a goal or role is text.',
      ),
    ]);

  const document = parseDocument(text, {
    lineCounter: new LineCounter(),
    prettyErrors: false,
    uniqueKeys: false,
    stringKeys: true,
    merge: true,
    version: '1.2',
    logLevel: 'silent',
  });
  const faults = [...document.errors, ...document.warnings].map((fault) => {
    const { offset, message, next } = explainSyntax(fault, document);
    return syntax('syntax', offset, message, next);
  });
  if (faults.length > 0) throw configError(file, faults);

  const problems = duplicates(document).map(({ path, pair, first }): LocatedProblem => {
    const name = path.at(-1)!;
    const agent = path.length === 2 && path[0] === 'agents';
    return {
      code: agent ? 'duplicate-agent' : 'duplicate-key',
      path,
      at: 'key',
      message: agent
        ? `Agent "${name}" is declared twice; first on line ${at(lines, keyOffset(first)).line}.`
        : `${path.join('.')} is given twice; first on line ${at(lines, keyOffset(first)).line}.`,
      next: agent ? 'Rename one of the two.' : 'Keep one of the two.',
      position: at(lines, keyOffset(pair)),
    };
  });

  const position = (path: readonly string[], where: 'key' | 'value') =>
    at(lines, locateOffset(document, path, where));
  return {
    file,
    value: toValue(file, document, syntax),
    problems,
    position,
    locate: (problem) => ({ ...problem, position: position(problem.path, problem.at) }),
  };
}

function at(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line, column: col };
}

/** Fills `lines` and finds what would make the parser slow: the lexer is linear. */
function measure(text: string, lines: LineCounter): { offset: number; what: string } | null {
  for (let i = text.indexOf('\n'); i !== -1; i = text.indexOf('\n', i + 1)) lines.addNewLine(i + 1);
  let offset = 0;
  let depth = 0;
  let tokens = 0;
  for (const lexeme of new Lexer().lex(text)) {
    if (lexeme === '[' || lexeme === '{') depth++;
    else if (lexeme === ']' || lexeme === '}') depth--;
    if (depth > limits.config_depth_max)
      return { offset, what: `Brackets are nested more than ${limits.config_depth_max} deep here.` };
    if (++tokens > limits.config_tokens_max)
      return { offset, what: `This file has more than ${limits.config_tokens_max} YAML tokens.` };
    // The lexer's own marks (start of document, of a scalar, of an error) are not part of the text.
    if (lexeme !== '\u{2}' && lexeme !== '\u{18}' && lexeme !== '\u{1f}') offset += lexeme.length;
  }
  return null;
}

function explainSyntax(
  fault: YAMLError,
  document: Document.Parsed,
): { offset: number; message: string; next: string } {
  const offset = fault.pos[0];
  switch (fault.code) {
    case 'TAB_AS_INDENT':
      return {
        offset,
        message: 'A tab is used as indentation, which YAML does not allow.',
        next: 'Indent with spaces.',
      };
    case 'BAD_INDENT':
      return /flow/i.test(fault.message)
        ? {
            offset,
            message: 'A [ or { that was opened before this point is not closed.',
            next: 'Close it, or indent what belongs to it.',
          }
        : {
            offset,
            message: 'This line is not indented like its neighbours.',
            next: 'Give keys that belong together the same number of leading spaces.',
          };
    case 'MULTIPLE_DOCS':
      return {
        offset,
        message: 'A second YAML document begins here.',
        next: 'Remove the `---` line: one file describes one fleet.',
      };
    case 'BLOCK_AS_IMPLICIT_KEY':
      return {
        offset,
        message: 'This value holds a ": " and is read as another mapping.',
        next: 'Put the whole value in quotes, or write it below `|`.',
      };
    case 'MISSING_CHAR': {
      if (!/quote/.test(fault.message)) break;
      // Reported where the file ends; what helps is where the text began.
      let start = offset;
      visit(document, {
        Scalar(_, node) {
          if (node.type?.startsWith('QUOTE') && node.range && node.range[0] <= offset) start = node.range[0];
        },
      });
      return {
        offset: start,
        message: 'The quoted text that begins here is not closed.',
        next: 'Add the closing quote.',
      };
    }
    case 'NON_STRING_KEY':
      return { offset, message: 'A key must be plain text.', next: 'Write `name: value`.' };
    case 'TAG_RESOLVE_FAILED':
      return {
        offset,
        message: 'YAML tags (words that begin with !) are not used here.',
        next: 'Put the value in quotes.',
      };
    case 'RESOURCE_EXHAUSTION':
      return { offset, message: 'This is nested too deeply.', next: 'Write the fleet out plainly.' };
    default:
  }
  return {
    offset,
    message: `This is not valid YAML: ${fault.message.split('\n')[0]!.slice(0, 160)}.`,
    next: 'Mend the line; `aether plan` checks the file without starting anything.',
  };
}

function toValue(
  file: string,
  document: Document.Parsed,
  syntax: (code: string, offset: number, message: string, next: string) => LocatedProblem,
): unknown {
  let loop: Node | null = null;
  visit(document, {
    Alias(_, node, path) {
      // An alias to something that encloses it has no finite value.
      const target = node.resolve(document);
      if (target && path.includes(target)) {
        loop = node;
        return visit.BREAK;
      }
      return undefined;
    },
  });
  if (loop)
    throw configError(file, [
      syntax(
        'alias',
        offsetOf(loop),
        'This alias refers to what it stands in.',
        'Write the value out, or anchor something else.',
      ),
    ]);
  try {
    return document.toJS({ maxAliasCount: limits.config_aliases_max });
  } catch (error) {
    const unresolved = /Unresolved alias.*: (.+)$/.exec(error instanceof Error ? error.message : '');
    let first = 0;
    visit(document, {
      Alias(_, node) {
        if (unresolved && node.source !== unresolved[1]) return undefined;
        first = offsetOf(node);
        return visit.BREAK;
      },
    });
    throw configError(file, [
      unresolved
        ? syntax(
            'alias',
            first,
            'This alias has no anchor before it.',
            'Anchor the value it stands for with &name, earlier in the file.',
          )
        : syntax(
            'alias',
            first,
            `Aliases in this file expand to more than ${limits.config_aliases_max} copies.`,
            'Write the values out, or put what all agents share under `defaults:`.',
          ),
    ]);
  }
}

type AnyPair = Pair<unknown, unknown>;

function duplicates(document: Document.Parsed): { path: string[]; pair: AnyPair; first: AnyPair }[] {
  const found: { path: string[]; pair: AnyPair; first: AnyPair }[] = [];
  const walk = (node: unknown, path: string[]): void => {
    if (isSeq(node)) {
      for (const [index, item] of node.items.entries()) walk(item, [...path, String(index)]);
    } else if (isMap(node)) {
      const seen = new Map<string, AnyPair>();
      for (const pair of node.items) {
        const name = keyOf(pair);
        const first = seen.get(name);
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

function keyOf(pair: AnyPair): string {
  return isScalar(pair.key) ? String(pair.key.source ?? pair.key.value ?? '') : '';
}

function offsetOf(node: unknown): number {
  return (node as Node | null | undefined)?.range?.[0] ?? 0;
}

function keyOffset(pair: AnyPair): number {
  return offsetOf(pair.key);
}

/** Follows a path through mappings, sequences, aliases and merges. */
function locateOffset(document: Document.Parsed, path: readonly string[], where: 'key' | 'value'): number {
  let node: unknown = document.contents;
  let offset = offsetOf(node);
  for (const [index, step] of path.entries()) {
    const wanted = index === path.length - 1 ? where : 'key';
    if (isAlias(node)) node = node.resolve(document);
    if (isSeq(node)) {
      node = node.items[Number(step)];
      if (!node) return offset;
      offset = offsetOf(node);
      continue;
    }
    const pair = isMap(node) ? findPair(document, node, step) : undefined;
    if (!pair) return offset;
    node = pair.value;
    const empty = !node || (isScalar(node) && node.value === null && !node.source);
    offset = wanted === 'key' || empty ? keyOffset(pair) : offsetOf(node);
  }
  return offset;
}

function findPair(document: Document.Parsed, map: Node, key: string): AnyPair | undefined {
  if (!isMap(map)) return undefined;
  // The last of two equal keys is the one whose value counts.
  const own = map.items.findLast((pair) => keyOf(pair) === key);
  if (own) return own;
  for (const pair of map.items) {
    if (keyOf(pair) !== '<<') continue;
    const sources = isSeq(pair.value) ? pair.value.items : [pair.value];
    for (const source of sources) {
      const target = isAlias(source) ? source.resolve(document) : source;
      const found = isMap(target) ? findPair(document, target, key) : undefined;
      if (found) return found;
    }
  }
  return undefined;
}
