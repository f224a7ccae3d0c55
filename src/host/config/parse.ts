/**
 * YAML text → plain value plus positions. Only the syntax is judged here. What the yaml package does not bound
 * is bounded before it is asked: nesting and token count (both can cost it minutes), duplicate keys by our own
 * linear pass (its own check is quadratic), aliases by a limit.
 */
import { LineCounter, parseDocument } from 'yaml';
import { resolveAliases, toValue } from './aliases.ts';
import { type BadKey, badKeys, keyOffset, locateOffset, plainTextAt } from './locate.ts';
import { configError, type LocatedProblem, type Problem } from './problems.ts';
import { readConfigText } from './read.ts';
import { showPath } from './secrets.ts';
import { explainSyntax, measure, type SyntaxFault } from './syntax.ts';
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
  /** An unquoted scalar as it stands in the file; null for anything else. */
  written(path: readonly string[]): string | null;
}

/** @throws AetherError config.syntax, config.too-complex, and those of readConfigText. */
export function readSource(file: string): Source {
  return parseSource(file, readConfigText(file));
}

/** readSource() for text that was read already. `file` is only named. */
export function parseSource(file: string, text: string): Source {
  const lines = new LineCounter();
  lines.addNewLine(0);
  /** Faults that leave nothing to judge. */
  const refused = (code: string, faults: readonly SyntaxFault[]) =>
    configError(
      file,
      faults.map(({ offset, message, next }) => ({
        code,
        path: [],
        at: 'value',
        message,
        next,
        position: at(lines, offset),
      })),
    );

  const excess = measure(text, lines);
  if (excess) {
    const next = 'Write the fleet out plainly; a goal or role is text.';
    throw refused('too-complex', [{ offset: excess.offset, message: excess.what, next }]);
  }
  const document = parseDocument(text, {
    lineCounter: new LineCounter(),
    prettyErrors: false,
    uniqueKeys: false,
    stringKeys: true,
    merge: true,
    version: '1.2',
    logLevel: 'error',
  });
  const faults = [...document.errors, ...document.warnings].map((fault) => explainSyntax(fault, document));
  if (faults.length > 0) throw refused('syntax', faults);
  const problems = badKeys(document).map((bad) => keyProblem(bad, lines));
  const aliases = resolveAliases(document);
  if ('offset' in aliases) throw refused('alias', [aliases]);
  const plain = toValue(document, aliases);
  if ('offset' in plain) throw refused('alias', [plain]);
  const position = (path: readonly string[], where: 'key' | 'value') =>
    at(lines, locateOffset(document, aliases, path, where));
  return {
    file,
    value: plain.value,
    problems,
    position,
    written: (path) => plainTextAt(document, aliases, path),
    locate: (problem) => ({ ...problem, position: position(problem.path, problem.at) }),
  };
}

/** A key that is given twice, or that no object may have. */
function keyProblem({ path, pair, first }: BadKey, lines: LineCounter): LocatedProblem {
  const name = path.at(-1)!;
  const where = { path, at: 'key' as const, position: at(lines, keyOffset(pair)) };
  if (first === null)
    return {
      ...where,
      code: 'unknown-key',
      message: `"${name}" cannot be a key.`,
      next: 'Choose another name, or remove the line.',
    };
  const { line } = at(lines, keyOffset(first));
  if (path.length === 2 && path[0] === 'agents')
    return {
      ...where,
      code: 'duplicate-agent',
      message: `Agent "${name}" is declared twice; first on line ${line}.`,
      next: 'Rename one of the two.',
    };
  return {
    ...where,
    code: 'duplicate-key',
    message: `${showPath(path)} is given twice; first on line ${line}.`,
    next: 'Keep one of the two.',
  };
}

function at(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line, column: col };
}
