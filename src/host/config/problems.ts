/** One or many things wrong with aether.yaml, turned into the one error that leads with the first of them. */
import { AetherError } from '../errors.ts';
import { limits } from '../limits.ts';
import { showPath } from './secrets.ts';
import type { Position } from './types.ts';

export interface Problem {
  /** Stable, without its 'config.' prefix: 'unknown-key'. */
  code: string;
  /** Where in the document; [] is the document itself. */
  path: readonly string[];
  /** Point at the key or at its value. */
  at: 'key' | 'value';
  /** The key that is missing, or that was probably meant. */
  key?: string | null;
  /** What is wrong, one sentence. */
  message: string;
  /** What to do next. */
  next: string;
}

export interface LocatedProblem extends Problem {
  position: Position;
}

/**
 * @returns who 'config', code `config.*` of the first problem in file order; its message begins with
 * `file:line:column:` and lists the others below, each with its mend; details {file, line, column, problems, more}.
 */
export function configError(file: string, problems: readonly LocatedProblem[]): AetherError {
  const ordered = [...problems].sort(
    (a, b) =>
      a.position.line - b.position.line ||
      a.position.column - b.position.column ||
      // What is there is easier to see than what is not.
      Number(a.code === 'missing-key') - Number(b.code === 'missing-key'),
  );
  const first = ordered[0];
  if (!first) throw new Error('configError needs a problem');
  const shown = ordered.slice(0, limits.config_problems_max);
  const more = ordered.length - shown.length;
  // Alone, its mend is `next`; among others each has its own beside it.
  const lines = shown.map(({ position, message, next }, index) => {
    const place = `${position.line}:${position.column}:`;
    const text = shown.length > 1 ? `${message} ${next}` : message;
    return index === 0 ? `${file}:${place} ${text}` : `  also ${place} ${text}`;
  });
  if (more > 0) lines.push(`  and ${more} more.`);
  return new AetherError({
    code: `config.${first.code}`,
    who: 'config',
    message: lines.join('\n'),
    next: shown.length > 1 ? 'Correct them; `aether plan` checks the file and starts nothing.' : first.next,
    details: {
      file,
      line: first.position.line,
      column: first.position.column,
      problems: shown.map((problem) => ({
        code: `config.${problem.code}`,
        path: showPath(problem.path),
        line: problem.position.line,
        column: problem.position.column,
        message: problem.message,
        next: problem.next,
      })),
      more,
    },
  });
}
