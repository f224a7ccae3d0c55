/** Reads what a source file imports, with a real parser, and says what of it breaks the law. */
import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { type ESTree, parseSync, Visitor } from 'vite';
import { layered, partOf, type Room, rooms } from './law.ts';

export interface Import {
  specifier: string;
  typeOnly: boolean;
  line: number;
}

/** By file and text: each rule asks again, and parsing is what costs. */
const known = new Map<string, Import[]>();

/** @param file decides the dialect (.ts, .tsx, .cts). @throws when it does not parse: then nothing is known of it. */
export function importsOf(file: string, source: string): Import[] {
  const key = `${file}\n${source}`;
  const before = known.get(key);
  if (before !== undefined) return before;
  const found = parseImports(file, source);
  known.set(key, found);
  return found;
}

function parseImports(file: string, source: string): Import[] {
  const parsed = parseSync(file, source, { sourceType: file.endsWith('.cts') ? 'commonjs' : 'module' });
  if (parsed.errors.length > 0) throw new Error(`${file} does not parse: ${parsed.errors[0]!.message}`);
  const found: Import[] = [];
  const add = (specifier: string, typeOnly: boolean, at: number) =>
    found.push({ specifier, typeOnly, line: source.slice(0, at).split('\n').length });
  // The list of a module's imports comes without its tree, which costs several times the parsing.
  const { staticImports, staticExports } = parsed.module;
  for (const { moduleRequest, entries, start, end } of staticImports)
    add(moduleRequest.value, allTypes(entries, source.slice(start, end)), start);
  // An export of what another line imports names the module of that line.
  const imported = new Set(staticImports.map(({ moduleRequest }) => moduleRequest.start));
  for (const { entries, start, end } of staticExports) {
    const from = entries[0]?.moduleRequest;
    if (from && !imported.has(from.start)) add(from.value, TYPES_ALONE.test(source.slice(start, end)), start);
  }
  if (WITHIN.test(source)) addWithin(parsed.program, add);
  return found;
}

const TYPES_ALONE = /^(?:import|export)\s+type\b(?!\s*(?:,|from\b))/;
/** Imports that are part of an expression or of a type: only then is the tree looked at. */
const WITHIN = /\b(?:import|require)\s*\(/;

/** An import of names, each of them a type; one without names is of what a module does. */
function allTypes(entries: readonly { isType: boolean }[], text: string): boolean {
  return TYPES_ALONE.test(text) || (entries.length > 0 && entries.every(({ isType }) => isType));
}

function addWithin(
  program: ESTree.Program,
  add: (specifier: string, typeOnly: boolean, at: number) => void,
): void {
  /** Type of the operand of `require(…) as typeof import(…)` is not a second import. */
  new Visitor({
    ImportExpression(node) {
      if (node.source.type === 'Literal') add(String(node.source.value), false, node.start);
    },
    TSImportType(node) {
      if (node.source.type === 'Literal') add(String(node.source.value), true, node.start);
    },
    CallExpression(node) {
      const [first] = node.arguments;
      if (node.callee.type !== 'Identifier' || node.callee.name !== 'require') return;
      if (first?.type === 'Literal') add(String(first.value), false, node.start);
    },
  }).visit(program);
}

/** The room a file (relative to src/) is in: the longest path that matches. Undefined: nobody has a law for it. */
export function roomOf(file: string): Room | undefined {
  let best: { room: Room; length: number } | undefined;
  for (const room of rooms) {
    for (const path of room.paths) {
      const inside = path.endsWith('/') ? file.startsWith(path) : file === path;
      if (inside && path.length > (best?.length ?? 0)) best = { room, length: path.length };
    }
  }
  return best?.room;
}

/** Each broken rule as one sentence with file and line. `file` is relative to src/. */
export function violations(file: string, source: string): string[] {
  const room = roomOf(file);
  if (!room) return [`${file}: no room of the law holds this file; put it into one, or write its law`];
  return importsOf(file, source).flatMap((one) => {
    const why = whyForbidden(room, file, one);
    return why === null ? [] : [`${file}:${one.line}: ${room.name} may not import ${why}`];
  });
}

function whyForbidden(room: Room, file: string, one: Import): string | null {
  const { specifier, typeOnly } = one;
  if (specifier.startsWith('node:')) return room.node ? null : specifier;
  if (!specifier.startsWith('.')) {
    const name = packageOf(specifier);
    const allowed =
      room.packages === 'any' ||
      room.packages.includes(name) ||
      (typeOnly && (room.packageTypes ?? []).includes(name));
    return allowed ? null : `the package ${name}`;
  }
  const target = relative('.', join(dirname(file), specifier));
  if (target.startsWith('..')) return `${specifier}, which is outside src/`;
  const other = roomOf(target);
  if (!other) return `${target}, which is in no room`;
  if (other.name === room.name || room.may.includes('*')) return null;
  const reachable = (names: string[]) =>
    names.some((name) => name === other.name || name === partOf[other.name]) ||
    // A part and the rest of its room are one room, unless its parts are layers.
    partOf[other.name] === room.name ||
    (partOf[room.name] !== undefined &&
      !layered.has(partOf[room.name]!) &&
      (partOf[room.name] === other.name || partOf[room.name] === partOf[other.name]));
  if (reachable(room.may)) return null;
  if (reachable(room.types ?? [])) return typeOnly ? null : `${target} (${other.name}) as more than types`;
  return `${target} (${other.name})`;
}

/** Every package that loading `entry` loads, through whatever files; types load nothing. */
export function packagesBehind(root: string, entry: string): string[] {
  const seen = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const { specifier, typeOnly } of importsOf(file, readSource(root, file))) {
      if (typeOnly || specifier.startsWith('node:')) continue;
      if (specifier.startsWith('.')) visit(join(dirname(file), specifier));
      else packages.add(packageOf(specifier));
    }
  };
  visit(entry);
  return [...packages].sort();
}

/** A stylesheet or a part of a package is the package. */
function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

export function readSource(root: string, file: string): string {
  return readFileSync(resolve(root, file), 'utf8');
}
