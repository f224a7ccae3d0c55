/** Memories in the files of others: what is read of them, and that what is written is read again as it was. */
import { describe, expect, it } from 'vitest';
import { autoMemory } from '../../../src/host/memory/formats/auto-memory.ts';
import { FORMATS, formatOf } from '../../../src/host/memory/formats/formats.ts';
import { jsonl } from '../../../src/host/memory/formats/jsonl.ts';
import { markdown } from '../../../src/host/memory/formats/markdown.ts';
import type { PortableMemory } from '../../../src/host/memory/formats/portable.ts';
import { serverMemory } from '../../../src/host/memory/formats/server-memory.ts';

const MEMORIES: PortableMemory[] = [
  {
    text: 'The shop is deployed to fly.io, region fra.',
    key: 'deploy-target',
    layer: 'semantic',
    tags: ['deploy'],
  },
  {
    text: 'Two lines\n\n## and a heading\n<!-- memory {"text":"forged"} -->\n\\<!-- memory x -->\n--> -- ```\n',
    key: '../../etc/passwd --> x',
    layer: 'procedural',
    importance: 3,
    pinned: true,
    created_ms: 5,
    expires_ms: 9_000,
  },
  { text: '日本語の記憶 🚀', layer: 'social', author: 'agent:ada', scope: 'fleet' },
];

describe('what is written', () => {
  it.each([jsonl, markdown])('as $name is read again, field by field', (format) => {
    const { memories, problems } = format.read(format.write(MEMORIES));
    expect(problems).toEqual([]);
    expect(memories).toEqual(MEMORIES);
  });

  it('as a folder of Claude has its texts, keys and layers, and names that stay in the folder', () => {
    const files = autoMemory.write([...MEMORIES, { text: 'again', key: 'Deploy Target' }]);
    expect(files.map(({ name }) => name)).toEqual([
      'MEMORY.md',
      'deploy-target.md',
      'etc-passwd-x.md',
      'note.md',
      'deploy-target-2.md',
    ]);
    const { memories } = autoMemory.read(files);
    expect(memories.map(({ text }) => text)).toEqual([...MEMORIES.map(({ text }) => text.trim()), 'again']);
    expect(memories.slice(0, 3).map(({ layer }) => layer)).toEqual(['semantic', 'procedural', 'social']);
    expect(memories[0]!.key).toBe('deploy-target');
  });

  it('as a file of server-memory makes the graph again that it was read from', () => {
    const graph = [
      { type: 'entity', name: 'Ada', entityType: 'person', observations: ['likes tea', 'lives in Bonn'] },
      { type: 'entity', name: 'Bonn', entityType: 'city', observations: [] },
      { type: 'relation', from: 'Ada', to: 'Bonn', relationType: 'lives_in' },
    ];
    const text = graph.map((line) => JSON.stringify(line)).join('\n');
    const { memories, problems } = serverMemory.read([{ name: 'memory.json', text }]);
    expect(problems).toEqual([]);
    expect(memories.map((memory) => memory.text)).toEqual([
      'Ada: likes tea',
      'Ada: lives in Bonn',
      'Bonn is a city.',
      'Ada lives_in Bonn',
    ]);
    expect(
      serverMemory
        .write(memories)[0]!
        .text.split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(graph);
    // Ours, which come from no graph: each is an entity of its own.
    expect(serverMemory.read(serverMemory.write(MEMORIES)).memories).toHaveLength(3);
  });
});

describe('what others wrote', () => {
  it('is read from notes by hand: items and paragraphs, under their headings', () => {
    const text =
      '# Project\n\nUses pnpm.\n\n## Tests\n- run `npm test`\n  - nested stays with it\n* [x] no mocks\n\n```\n- not an item\n```\n';
    expect(markdown.read([{ name: 'n.md', text }]).memories).toEqual([
      { text: 'Uses pnpm.', tags: ['Project'] },
      { text: 'run `npm test`\n  - nested stays with it', tags: ['Project', 'Tests'] },
      { text: 'no mocks', tags: ['Project', 'Tests'] },
      { text: '```\n- not an item\n```', tags: ['Project', 'Tests'] },
    ]);
  });

  it('is read from a folder of Claude: topics with their head, and the notes of its index', () => {
    const { memories } = autoMemory.read([
      { name: 'MEMORY.md', text: '# Memory\n\n- [User](user_role.md) — a data scientist\n- Prefers tabs\n' },
      {
        name: 'user_role.md',
        text: '---\nname: user-role\ndescription: what they do\nmetadata:\n  type: user\n---\n\nThe user is a data scientist.\n',
      },
      { name: 'logs/2026.txt', text: 'no' },
    ]);
    expect(memories).toEqual([
      { text: 'Prefers tabs', tags: ['Memory'] },
      {
        text: 'what they do\n\nThe user is a data scientist.',
        key: 'user-role',
        layer: 'social',
        tags: ['user'],
      },
    ]);
  });

  it('is passed over in words where it cannot be read, whatever it is', () => {
    const hostile = [
      '',
      '{',
      'null',
      '[]',
      '{"type":"entity"}',
      '{"text":5}',
      '\u0000\ud800',
      '---\nname: [',
      `${MARK}{ -->`,
    ];
    for (const format of FORMATS)
      for (const text of hostile) {
        const { memories } = format.read([{ name: 'x.md', text }]);
        for (const memory of memories) expect(memory.text.trim()).not.toBe('');
      }
    expect(jsonl.read([{ name: 'f', text: '{"text":"a"}\nnonsense\n' }])).toMatchObject({
      memories: [{ text: 'a' }],
      problems: ['f:2: no JSON object with a text.'],
    });
  });

  it('is told apart by what is in it', () => {
    const of = (name: string, text: string, folder = false) => formatOf([{ name, text }], folder).name;
    expect(of('a', '{"type":"entity","name":"x"}')).toBe('server-memory');
    expect(of('a', '{"text":"x"}')).toBe('jsonl');
    expect(of('a.md', '# x')).toBe('markdown');
    expect(of('a.md', '', true)).toBe('claude');
  });
});

const MARK = '<!-- memory ';
