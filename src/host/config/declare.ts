/**
 * Adding an agent to a file that a person wrote: as text, at the end of `agents:`, so that every other line stays as it
 * is. An addition that would change another line is refused.
 */
import { realpathSync, statSync } from 'node:fs';
import { basename, dirname, relative } from 'node:path';
import { isMap, type Node, type Pair, parseDocument, stringify } from 'yaml';
import { writeBeneath } from '../beneath.ts';
import { AetherError, messageOf } from '../errors.ts';
import { canonicalJson } from './hash.ts';
import { loadConfig } from './load.ts';
import { keyOf } from './locate.ts';
import { isWithin, realPath } from './paths.ts';
import { readConfigText } from './read.ts';

export interface Declaration {
  /** Absolute path of the configuration. */
  file: string;
  name: string;
  runtime: string;
  /** Absolute. */
  workspace: string;
}

/** The lines below `agents:`. */
export function entryOf({ file, name, runtime, workspace }: Declaration, indent = '  '): string[] {
  const below = relative(realPath(dirname(file)), realPath(workspace));
  const near = isWithin(realPath(workspace), realPath(dirname(file)));
  const written = !near ? workspace : below === '' ? '.' : `./${below}`;
  return [
    `${indent}${name}:`,
    `${indent}${indent}runtime: ${runtime}`,
    `${indent}${indent}workspace: ${stringify(written, { lineWidth: 0 }).trimEnd()}`,
  ];
}

/**
 * Writes it into the file, which then still holds whatever it held.
 * @returns the lines that were added
 * @throws AetherError `config.undeclarable`, `config.unwritable`, or what is wrong with the file, or would be
 */
export function declareAgent(declaration: Declaration): string[] {
  const { file, name } = declaration;
  const before = loadConfig(file);
  const text = readConfigText(file);
  const place = placeIn(text);
  if (place === null) throw undeclarable(declaration);
  const lines = entryOf(declaration, place.indent);
  const line = text.includes('\r\n') ? '\r\n' : '\n';
  const added = lines.map((one) => `${one}${line}`).join('');
  const gap = place.from > 0 && text[place.from - 1] !== '\n' ? line : '';
  const next = `${text.slice(0, place.from)}${gap}${added}${text.slice(place.to)}`;
  const after = loadConfig(file, { text: next });
  const others = after.agents.filter((agent) => agent.name !== name);
  if (canonicalJson(others) !== canonicalJson(before.agents)) throw undeclarable(declaration);
  write(file, next);
  return lines;
}

interface Place {
  /** What lies between is replaced. */
  from: number;
  to: number;
  indent: string;
}

/** @param text a configuration that is valid */
function placeIn(text: string): Place | null {
  const { contents } = parseDocument(text, { uniqueKeys: false, merge: true, logLevel: 'error' });
  if (!isMap(contents) || contents.flow) return null;
  const agents = contents.items.find((item) => keyOf(item) === 'agents')?.value;
  if (!isMap(agents)) return null;
  const first = (agents.items[0]?.key as Node | undefined)?.range?.[0];
  const last = agents.items.at(-1);
  if (first === undefined || last === undefined) return insteadOfBraces(text, agents.range!);
  const indent = text.slice(text.lastIndexOf('\n', first - 1) + 1, first);
  if (agents.flow || !/^ +$/.test(indent)) return null;
  const at = behindComments(text, lineEnd(text, endOf(last)), indent.length);
  return { from: at, to: at, indent };
}

/** `agents: {}`: what stands behind it stays, so there may be nothing. */
function insteadOfBraces(text: string, [from, to]: readonly [number, number, ...unknown[]]): Place | null {
  const end = lineEnd(text, to);
  if (text.slice(to, end).trim() !== '') return null;
  return { from: text.slice(0, from).trimEnd().length, to: end, indent: '  ' };
}

function endOf(pair: Pair<unknown, unknown>): number {
  const value = pair.value as Node | null;
  return (value?.range?.[1] ?? 0) || ((pair.key as Node).range?.[1] ?? 0) + 1;
}

/** The beginning of the next line. */
function lineEnd(text: string, from: number): number {
  if (from > 0 && text[from - 1] === '\n') return from;
  const at = text.indexOf('\n', from);
  return at < 0 ? text.length : at + 1;
}

/** Remarks at the end of the last agent belong to it. */
function behindComments(text: string, from: number, indent: number): number {
  let end = from;
  for (let at = from; at < text.length; ) {
    const next = lineEnd(text, at + 1);
    const line = text.slice(at, next);
    const blanks = line.length - line.trimStart().length;
    if (line.trim() !== '' && !(line.trimStart().startsWith('#') && blanks > indent)) break;
    if (line.trim() !== '') end = next;
    at = next;
  }
  return end;
}

/** A link to it stays one; a reader sees the old file or the new one. */
function write(file: string, text: string): void {
  try {
    const real = realpathSync(file);
    writeBeneath(dirname(real), basename(real), text, statSync(real).mode & 0o777);
  } catch (error) {
    throw new AetherError(
      {
        code: 'config.unwritable',
        who: 'user',
        message: `${file} cannot be written: ${messageOf(error)}.`,
        next: 'Add the agent yourself.',
      },
      { cause: error },
    );
  }
}

function undeclarable(declaration: Declaration): AetherError {
  return new AetherError({
    code: 'config.undeclarable',
    who: 'user',
    message: `${declaration.name} cannot be added to ${declaration.file} without changing other lines.`,
    next: `Add it yourself, below \`agents:\`:\n${entryOf(declaration).join('\n')}`,
  });
}
