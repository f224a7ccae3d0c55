/**
 * The file of `@modelcontextprotocol/server-memory`: a graph of entities with observations, and of relations, a JSON
 * object a line. Each observation is a memory that names its entity; the tags hold what the graph needs to be made again.
 */
import { cutText } from '../../text.ts';
import { parsed } from './jsonl.ts';
import { Found, type MemoryFormat, type PortableMemory } from './portable.ts';

const TAG_CHARS = 64;
const tagged = (name: string, value: string): string[] => {
  const tag = `${name}:${value}`;
  return tag.length <= TAG_CHARS ? [tag] : [];
};

interface Entity {
  type: 'entity';
  name: string;
  entityType: string;
  observations: string[];
}

interface Relation {
  type: 'relation';
  from: string;
  to: string;
  relationType: string;
}

export const serverMemory: MemoryFormat = {
  name: 'server-memory',
  folder: false,

  read(files) {
    const found = new Found();
    for (const { name, text } of files)
      for (const [index, line] of text.split(/\r?\n/).entries())
        if (line.trim() !== '' && !readLine(found, parsed(line)))
          found.problem(`${name}:${index + 1}: neither an entity nor a relation.`);
    return found;
  },

  write(memories) {
    const lines = [...entitiesOf(memories), ...memories.flatMap(relationOf)];
    return [{ name: 'memory.json', text: lines.map((line) => JSON.stringify(line)).join('\n') }];
  },
};

const text = (value: unknown): string => (typeof value === 'string' ? value.toWellFormed().trim() : '');

function readLine(found: Found, value: unknown): boolean {
  if (value === null || typeof value !== 'object') return false;
  const line = value as Record<string, unknown>;
  if (line.type === 'entity' && text(line.name) !== '') {
    const [name, kind] = [text(line.name), text(line.entityType)];
    const tags = [...tagged('entity', name), ...(kind === '' ? [] : tagged('type', kind))];
    const observations = Array.isArray(line.observations) ? line.observations.map(text).filter(Boolean) : [];
    // An entity of which nothing was observed is known to exist all the same.
    if (observations.length === 0) found.add({ text: kind === '' ? name : `${name} is a ${kind}.`, tags });
    for (const observation of observations) found.add({ text: `${name}: ${observation}`, tags });
    return true;
  }
  const [from, to, relation] = [text(line.from), text(line.to), text(line.relationType)];
  if (line.type !== 'relation' || from === '' || to === '' || relation === '') return false;
  const tags = [...tagged('from', from), ...tagged('relation', relation), ...tagged('to', to)];
  found.add({ text: `${from} ${relation} ${to}`, tags });
  return true;
}

const tagOf = ({ tags = [] }: PortableMemory, name: string): string | undefined =>
  tags.find((tag) => tag.startsWith(`${name}:`))?.slice(name.length + 1);

const isRelation = (memory: PortableMemory): boolean =>
  ['from', 'relation', 'to'].every((name) => tagOf(memory, name) !== undefined);

function entitiesOf(memories: readonly PortableMemory[]): Entity[] {
  const entities = new Map<string, Entity>();
  for (const memory of memories) {
    if (isRelation(memory)) continue;
    const named = tagOf(memory, 'entity');
    const name =
      named ?? memory.key ?? cutText(memory.text.trim().split('\n', 1)[0]!, { chars_max: TAG_CHARS });
    const entityType = tagOf(memory, 'type') ?? memory.layer ?? 'memory';
    const entity = entities.get(name) ?? { type: 'entity', name, entityType, observations: [] };
    entities.set(name, entity);
    const said =
      named !== undefined && memory.text.startsWith(`${named}: `)
        ? memory.text.slice(named.length + 2)
        : memory.text;
    if (named === undefined || said !== `${named} is a ${entityType}.`) entity.observations.push(said);
  }
  return [...entities.values()];
}

function relationOf(memory: PortableMemory): Relation[] {
  if (!isRelation(memory)) return [];
  const [from, relationType, to] = ['from', 'relation', 'to'].map((name) => tagOf(memory, name)!);
  return [{ type: 'relation', from: from!, to: to!, relationType: relationType! }];
}
