/**
 * What a tool call would do, for who is asked to allow it: all of its arguments, a command as the steps that run, an
 * edit as a diff, and what must be known before judging. The console and the command line show the same.
 */
import type { DiffLine } from './diff.ts';
import { type Reading, show } from './pieces.ts';
import { stepsOf } from './shell-steps.ts';
import type { Step } from './step.ts';
import { showInput, toolLine } from './tool-line.ts';

export type AskedPart =
  | { kind: 'shell'; text: string; steps: Step[]; unsure: string[] }
  | { kind: 'diff'; lines: DiffLine[] }
  | { kind: 'text'; label: string; text: string; as: Reading };

export interface Asked {
  tool: string;
  /** A path or an address that the tool is about; empty where the parts say all. */
  target: string;
  parts: AskedPart[];
  warnings: string[];
}

export function askedOf(tool: string, input: unknown): Asked {
  const { name, target, body, diff, rest } = toolLine(tool, input);
  const parts: AskedPart[] = [];
  if (body?.kind === 'shell') parts.push({ kind: 'shell', text: body.text, ...stepsOf(body.text) });
  else if (diff !== null) parts.push({ kind: 'diff', lines: diff });
  else if (body !== null) parts.push({ kind: 'text', label: 'Text', text: body.text, as: 'prose' });
  const more = rest === null ? showInput(input) : showInput(rest);
  if (more !== '')
    parts.push({ kind: 'text', label: rest === null ? 'Arguments' : 'Also', text: more, as: 'code' });
  const shownTarget = body?.kind === 'shell' ? '' : target;
  return { tool: name, target: shownTarget, parts, warnings: warningsOf(name, shownTarget, parts) };
}

function warningsOf(tool: string, target: string, parts: readonly AskedPart[]): string[] {
  const said = [...show(tool, 'code').warnings, ...show(target, 'code').warnings];
  for (const part of parts) {
    if (part.kind === 'shell') {
      said.push(...show(part.text, 'code').warnings);
      // What a step was decoded to is not in the text itself.
      for (const { text, depth } of part.steps) if (depth > 0) said.push(...show(text, 'code').warnings);
    } else if (part.kind === 'text') said.push(...show(part.text, part.as).warnings);
    else said.push(...show(part.lines.map(({ text }) => text).join('\n'), 'file').warnings);
  }
  return [...new Set(said)];
}

/** The text that was sent, with each character that is not ASCII or not visible as an escape of JSON. */
export function rawText(value: unknown): string {
  const json = JSON.stringify(value, null, 2) ?? 'null';
  return json.replace(/[^\x20-\x7e\n]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
