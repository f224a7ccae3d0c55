/** An approval in one line, for a system notification: what would run, with its end visible and hidden text named. */
import { askedOf } from './asked.ts';
import { show } from './pieces.ts';
import { plainLine } from './plain.ts';

/** Desktops cut a longer text, and at its end. */
const CHARS_MAX = 220;

interface Asking {
  kind: 'permission' | 'question';
  title: string;
  detail: Record<string, unknown>;
}

export function noticeOf({ kind, title, detail }: Asking): string {
  if (kind === 'question') {
    const question = String(detail.question ?? title);
    return `${careful(show(question, 'prose').warnings)}${plainLine(question, 'prose', CHARS_MAX)}`;
  }
  const { tool, target, parts, warnings } = askedOf(
    typeof detail.tool === 'string' ? detail.tool : title,
    detail.input,
  );
  const [first] = parts;
  const what =
    first?.kind === 'shell' ? first.text : target !== '' ? target : first?.kind === 'text' ? first.text : '';
  const steps = first?.kind === 'shell' && first.steps.length > 1 ? ` (${first.steps.length} steps)` : '';
  return `${careful(warnings)}${plainLine(tool, 'code', 60)}${steps}: ${plainLine(what, 'code', CHARS_MAX)}`;
}

const careful = (warnings: readonly string[]): string =>
  warnings.length === 0 ? '' : 'Some of this text looks different from what it is. ';
