/** A memory as lines of a terminal: what an agent wrote there is shown plainly. */
import type { CuratedMemory, MemoryPage, MemoryQuota, MemoryStory, PlannedMemory } from '../api.ts';
import { proseLines } from './asked-lines.ts';
import type { Hint } from './hints.ts';
import { paint, print } from './output.ts';
import { type Column, printTable } from './table.ts';
import { age, oneLine } from './text.ts';

const STATES = {
  live: null,
  stale: 'red',
  possibly_stale: 'yellow',
  superseded: 'dim',
  expired: 'dim',
} as const;

const COLUMNS: Column<CuratedMemory>[] = [
  { title: 'ID', value: ({ id }) => id },
  { title: 'OF', value: ({ holder }) => holder.replace(/^agent:/, ''), shrinkTo: 8 },
  { title: 'AGE', value: ({ updated_ms }) => age(updated_ms, Date.now()) },
  {
    title: 'STATE',
    value: ({ state, pinned }) => (pinned ? `${state}, pinned` : state),
    paint: ({ state }) => STATES[state],
  },
  { title: 'MEMORY', value: ({ key, text }) => (key === null ? text : `${key}: ${text}`), shrinkTo: 20 },
];

const FOUND: Column<CuratedMemory> = { title: 'FOUND', value: ({ found }) => found ?? '', shrinkTo: 12 };

/** @param notes what must be known before they are believed, where they were searched for */
export function printMemories(memories: CuratedMemory[], notes: readonly string[] = []): void {
  for (const sentence of notes) print(oneLine(sentence));
  const searched = memories.some(({ found }) => found !== undefined);
  if (memories.length > 0) printTable(searched ? [...COLUMNS, FOUND] : COLUMNS, memories);
  else if (notes.length === 0) print('No memory.');
}

type Holding = MemoryPage['scopes'][number];

export function printScopes({ scopes, quota }: Pick<MemoryPage, 'scopes' | 'quota'>): void {
  if (scopes.length === 0) {
    print('No memory.');
    return;
  }
  printTable<Holding>(
    [
      { title: 'OF', value: ({ scope }) => scope.replace(/^agent:/, ''), shrinkTo: 12 },
      { title: 'MEMORIES', value: ({ memories }) => `${memories} of ${quota.memories_max}` },
      { title: 'SIZE', value: ({ bytes }) => `${size(bytes)} of ${size(quota.bytes_max)}` },
    ],
    scopes,
  );
}

export function printQuota({ memories, memories_max, bytes, bytes_max, first }: MemoryQuota): void {
  print(`${memories} of ${memories_max} memories, ${size(bytes)} of ${size(bytes_max)}.`);
  if (first.length > 0) print(paint('bold', 'To be forgotten first'));
  for (const { memory, why } of first) print(`  ${memory.id}  ${why}: ${oneLine(memory.text)}`);
}

/** What holds for every scope, on a line. */
export function memoryLine({
  recall_tokens,
  memories_per_scope_max,
  bytes_per_scope_max,
  embeddings,
}: PlannedMemory): string {
  const unasked =
    recall_tokens === 0
      ? 'an agent is given nothing unasked'
      : `an agent is given up to ${recall_tokens} tokens unasked`;
  const found = embeddings === null ? 'found by words' : `found by words and by ${embeddings}`;
  return `a scope holds ${memories_per_scope_max} memories and ${size(bytes_per_scope_max)}; ${unasked}; ${found}`;
}

const UNITS = [
  [1024 ** 2, 'MiB'],
  [1024, 'KiB'],
] as const;

function size(bytes: number): string {
  const [unit, name] = UNITS.find(([least]) => bytes >= least) ?? [1, 'B'];
  return `${Math.round(bytes / unit)} ${name}`;
}

export function printStory(story: MemoryStory, hint: Hint): void {
  const { memory, history, sources, dependants, contradictedBy } = story;
  const { id, key, holder, layer, importance, tags, state, pinned, version } = memory;
  print(`${paint('bold', id)}  ${state}${pinned ? ', pinned' : ''}  of ${oneLine(holder)}`);
  for (const line of proseLines(memory.text.trimEnd())) print(`    ${line}`);
  const facts = [
    key === null ? null : `key ${oneLine(JSON.stringify(key))}, version ${version}`,
    `${layer}, importance ${importance}`,
    tags.length === 0 ? null : `tags ${oneLine(tags.join(', '))}`,
    memory.expires_ms === null ? null : `expires ${new Date(memory.expires_ms).toISOString()}`,
  ];
  print(paint('dim', facts.filter((fact) => fact !== null).join('; ')));
  print();
  print(paint('bold', 'Why it is believed'));
  for (const sentence of story.because) print(`  ${oneLine(sentence)}`);
  part('History', history);
  part('Contradicted by', contradictedBy);
  part('Rests on', linked(sources));
  part('What rests on it', linked(dependants));
  if (state !== 'superseded') print(paint('dim', `\ncorrect it: ${hint(`memory edit ${id} --text '…'`)}`));
}

const linked = (links: MemoryStory['sources']): CuratedMemory[] =>
  links.flatMap(({ memory }) => (memory === null ? [] : [memory]));

function part(title: string, memories: CuratedMemory[]): void {
  if (memories.length === 0) return;
  print();
  print(paint('bold', title));
  for (const { id, state, author, text, updated_ms } of memories)
    print(`  ${id}  ${state}, by ${oneLine(author)}, ${age(updated_ms, Date.now())} ago: ${oneLine(text)}`);
}
