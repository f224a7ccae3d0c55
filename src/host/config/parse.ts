/**
 * YAML text → plain value plus positions. Only the syntax is judged here. What the yaml package does not bound
 * is bounded before it is asked: nesting and token count (both can cost it minutes), duplicate keys by our own
 * linear pass (its own check is quadratic), aliases by a limit.
 */
import { LineCounter, parseDocument } from 'yaml';
import { resolveAliases, toValue } from './aliases.ts';
import { badKeys, keyOffset, locateOffset } from './locate.ts';
import { configError, type LocatedProblem, type Problem } from './problems.ts';
import { readConfigText } from './read.ts';
import { showPath } from './secrets.ts';
import { explainSyntax, measure } from './syntax.ts';
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
    logLevel: 'error',
  });
  const faults = [...document.errors, ...document.warnings].map((fault) => {
    const { offset, message, next } = explainSyntax(fault, document);
    return syntax('syntax', offset, message, next);
  });
  if (faults.length > 0) throw configError(file, faults);

  const problems = badKeys(document).map(({ path, pair, first }): LocatedProblem => {
    const name = path.at(-1)!;
    if (first === null)
      return {
        code: 'unknown-key',
        path,
        at: 'key',
        message: `"${name}" cannot be a key.`,
        next: 'Choose another name, or remove the line.',
        position: at(lines, keyOffset(pair)),
      };
    const agent = path.length === 2 && path[0] === 'agents';
    return {
      code: agent ? 'duplicate-agent' : 'duplicate-key',
      path,
      at: 'key',
      message: agent
        ? `Agent "${name}" is declared twice; first on line ${at(lines, keyOffset(first)).line}.`
        : `${showPath(path)} is given twice; first on line ${at(lines, keyOffset(first)).line}.`,
      next: agent ? 'Rename one of the two.' : 'Keep one of the two.',
      position: at(lines, keyOffset(pair)),
    };
  });

  const aliases = resolveAliases(document);
  if ('offset' in aliases)
    throw configError(file, [syntax('alias', aliases.offset, aliases.message, aliases.next)]);
  const plain = toValue(document, aliases);
  if ('offset' in plain) throw configError(file, [syntax('alias', plain.offset, plain.message, plain.next)]);
  const position = (path: readonly string[], where: 'key' | 'value') =>
    at(lines, locateOffset(document, aliases, path, where));
  return {
    file,
    value: plain.value,
    problems,
    position,
    locate: (problem) => ({ ...problem, position: position(problem.path, problem.at) }),
  };
}

function at(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line, column: col };
}
