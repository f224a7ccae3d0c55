/**
 * What waits for an answer, as lines of a terminal: a command in steps, an edit as a diff, marks where text looks
 * different from what it is, and the warnings first.
 */
import type { ApprovalView } from '../api.ts';
import { type AskedPart, askedOf } from '../shown/asked.ts';
import type { DiffLine } from '../shown/diff.ts';
import { endsOf, leftOut, listEnds } from '../shown/ends.ts';
import { type Piece, type Reading, show } from '../shown/pieces.ts';
import { plainPiece } from '../shown/plain.ts';
import type { Step } from '../shown/step.ts';
import { paint } from './output.ts';

/** Of one text; both its ends are shown. `approvals show` has no limit. */
const LIMIT = { lines_max: 90, chars_max: 12_000 };
const NO_LIMIT = { lines_max: Number.POSITIVE_INFINITY, chars_max: Number.POSITIVE_INFINITY };

type Asking = Pick<ApprovalView, 'kind' | 'title' | 'detail'>;

/** @param whole without a limit to the length of a text */
export function askedLines(approval: Asking, whole = false): string[] {
  const limit = whole ? NO_LIMIT : LIMIT;
  return approval.kind === 'permission' ? permissionLines(approval, limit) : questionLines(approval, limit);
}

function permissionLines({ title, detail }: Asking, limit: typeof LIMIT): string[] {
  const { tool, target, parts, warnings } = askedOf(
    typeof detail.tool === 'string' ? detail.tool : title,
    detail.input,
  );
  return [
    `${paint('bold', shownLine(tool))}${target === '' ? '' : ` ${shownLine(target)}`}`,
    ...warnings.map(warning),
    ...parts.flatMap((part) => partLines(part, limit)),
  ];
}

function questionLines({ title, detail }: Asking, limit: typeof LIMIT): string[] {
  const question = String(detail.question ?? title);
  const choices = Array.isArray(detail.choices) ? detail.choices.map(String) : [];
  return [
    ...warningLines([question, ...choices], 'prose'),
    ...textLines(question, 'prose', limit),
    ...(choices.length > 0 ? [`choices: ${choices.map((choice) => shownLine(choice)).join(' · ')}`] : []),
  ];
}

/** A text of an agent that a person goes by: mail, a question. */
export function proseLines(text: string): string[] {
  return [...warningLines([text], 'prose'), ...textLines(text, 'prose', NO_LIMIT)];
}

/** What must be known of these before judging, a line each. */
export function warningLines(texts: readonly string[], as: Reading): string[] {
  return [...new Set(texts.flatMap((text) => show(text, as).warnings))].map(warning);
}

const warning = (text: string): string => paint('yellow', `! ${drawn(text, 'prose').replace(/\s+/g, ' ')}`);

/** A command, a path, a name in one line. */
export const shownLine = (text: string): string => drawn(text, 'code').replace(/\s+/g, ' ').trim();

/** Marks stand out where there is colour, and are in brackets everywhere. */
function drawn(text: string, as: Reading): string {
  return show(text, as).pieces.map(piece).join('');
}

function piece(one: Piece): string {
  const text = plainPiece(one);
  switch (one.kind) {
    case 'mark':
      return paint(['inverse', 'yellow'], text);
    case 'fold':
      return text.replace(/⋯.*⋯/, (count) => paint('dim', count));
    case 'looks':
      return paint(['underline', 'yellow'], text);
    default:
      return text;
  }
}

function textLines(text: string, as: Reading, limit: typeof LIMIT): string[] {
  const ends = endsOf(text, limit);
  const lines = (part: string) => drawn(part, as).split('\n');
  if (ends === null) return lines(text.replace(as === 'prose' ? /[ \t\n]+$/ : /\n+$/, ''));
  return [...lines(ends.head), paint('dim', leftOut(ends)), ...lines(ends.tail)];
}

function partLines(part: AskedPart, limit: typeof LIMIT): string[] {
  switch (part.kind) {
    case 'shell':
      return [
        ...ended(part.steps, limit.lines_max, 'steps', (step) =>
          stepLines(step, step === part.steps[0], limit),
        ),
        ...part.unsure.map((what) => paint('yellow', `? not understood: ${what}`)),
      ];
    case 'diff':
      return diffLines(part.lines, limit.lines_max);
    case 'text':
      return [
        paint('dim', `${part.label}:`),
        ...textLines(part.text, part.as, limit).map((line) => `  ${line}`),
      ];
  }
}

const SIGN_COLUMNS = 3;

/** The first and the last of a list, drawn. */
function ended<T>(list: readonly T[], most: number, what: string, draw: (one: T) => string[]): string[] {
  const { head, left, tail } = listEnds(list, most);
  const between = left === 0 ? [] : [paint('dim', `⋯ ${left} ${what} ⋯`)];
  return [...head.flatMap(draw), ...between, ...tail.flatMap(draw)];
}

function stepLines(step: Step, isFirst: boolean, limit: typeof LIMIT): string[] {
  const indent = '  '.repeat(step.depth);
  const sign = isFirst ? '$' : step.joint === '\n' || step.joint === '' ? '' : step.joint;
  const within = step.within === null ? '' : paint('dim', `${shownLine(step.within)}  `);
  const [first = '', ...rest] = textLines(step.text, 'code', limit);
  const margin = ' '.repeat(SIGN_COLUMNS);
  const times = step.times > 1 ? paint('dim', `  ⋯ ${step.times} times ⋯`) : '';
  return [
    ...(step.gap === null ? [] : [`${indent}${margin}${paint('dim', step.gap)}`]),
    `${indent}${paint('cyan', sign.padEnd(SIGN_COLUMNS))}${within}${first}${rest.length === 0 ? times : ''}`,
    ...rest.map((line, index) => `${indent}${margin}${line}${index === rest.length - 1 ? times : ''}`),
    ...step.notes.map((note) => `${indent}${margin}${paint('yellow', `^ ${shownLine(note)}`)}`),
  ];
}

const COLOURS = { '+': 'green', '-': 'red', '…': 'dim', ' ': 'dim' } as const;

function diffLines(lines: readonly DiffLine[], lines_max: number): string[] {
  const line = ({ sign, text }: DiffLine) => `${paint(COLOURS[sign], sign)} ${drawn(text, 'file')}`;
  return ended(lines, lines_max, 'lines', (one) => [line(one)]);
}
