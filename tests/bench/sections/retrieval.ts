/**
 * What searches find of conversations in a file of LoCoMo's form (its path is given, it is never part of this
 * repository): each turn is stored through the tools, each question asked with the tool's defaults. The weights of the
 * ranking are fixed and published with the program, so no conversation is fitted to here and none has to be left out.
 */
import { readFileSync } from 'node:fs';
import { LiveFleet } from '../../support/live-fleet.ts';
import type { Bench } from '../bench.ts';
import { RawClient } from '../raw-client.ts';
import type { Row } from '../report.ts';

const SECTION = '2c. What is found of conversations';

interface Turn {
  speaker: string;
  dia_id: string;
  text: string;
  blip_caption?: string;
}

interface Sample {
  sample_id: string;
  conversation: Record<string, string | Turn[]>;
  qa: { question: string; evidence: string[]; category: number }[];
}

const MULTI_HOP = 1;

interface Said {
  id: string;
  session: string;
  date: string;
  text: string;
}

interface Score {
  category: number;
  at5: number;
  at10: number;
}

export async function retrieval(bench: Bench): Promise<Row[]> {
  if (bench.file === null) return [];
  const samples = JSON.parse(readFileSync(bench.file, 'utf8')) as Sample[];
  const fleet = await LiveFleet.make({ agents: {} }, { program: [process.execPath, bench.product.command] });
  try {
    await fleet.up();
    const turns: Score[] = [];
    const notes: Score[] = [];
    for (const sample of samples) {
      bench.say(`retrieval: ${sample.sample_id}`);
      turns.push(...(await scored(bench, fleet, sample, 'turns')));
      notes.push(...(await scored(bench, fleet, sample, 'notes')));
    }
    const multi = turns.filter(({ category }) => category === MULTI_HOP);
    return [
      ...rowsOf('turns', turns, [75, 82]),
      ...rowsOf('multi-hop', multi, [38, 49]),
      ...rowsOf('isolated notes', notes, [60, 68]),
    ];
  } finally {
    await fleet.close();
  }
}

function rowsOf(what: string, scores: readonly Score[], [five, ten]: [number, number]): Row[] {
  const mean = (of: (score: Score) => number) =>
    (100 * scores.reduce((sum, score) => sum + of(score), 0)) / scores.length;
  const row = (name: string, aether: number, at_least: number): Row => ({
    ...{ section: SECTION, what: `${what}, ${name}`, unit: '%', aether, reference: null, ratio: null },
    target: { of: 'value', at_least },
    note: `${scores.length} questions; recall of the evidence, weights fixed`,
  });
  return [
    row(
      'R@5',
      mean(({ at5 }) => at5),
      five,
    ),
    row(
      'R@10',
      mean(({ at10 }) => at10),
      ten,
    ),
  ];
}

async function scored(
  bench: Bench,
  fleet: LiveFleet,
  sample: Sample,
  form: 'turns' | 'notes',
): Promise<Score[]> {
  const name = `${sample.sample_id}-${form}`.replace(/[^a-zA-Z0-9-]/g, '-');
  const client = new RawClient(
    [process.execPath, bench.product.command, 'mcp', '--as', name, '--state', fleet.stateDir],
    'modern',
    fleet.env,
  );
  try {
    const ids = new Map<string, string>();
    for (const { id, session, date, text } of saidIn(sample)) {
      const more = form === 'turns' ? { layer: 'episodic', tags: [session] } : {};
      const stored = await client.call('aether_memory_store', { text: `[${date}] ${text}`, ...more });
      ids.set((stored.structuredContent as { memory: { id: string } }).memory.id, id);
    }
    const known = new Set(ids.values());
    const scores: Score[] = [];
    for (const { question, evidence, category } of sample.qa) {
      const wanted = evidenceIn(evidence).filter((id) => known.has(id));
      if (wanted.length === 0) continue;
      const { structuredContent } = await client.call('aether_memory_search', { query: question });
      const found = (structuredContent as { memories: { id: string }[] }).memories.map(({ id }) =>
        ids.get(id),
      );
      const recall = (count: number) =>
        wanted.filter((id) => found.slice(0, count).includes(id)).length / wanted.length;
      scores.push({ category, at5: recall(5), at10: recall(10) });
    }
    return scores;
  } finally {
    await client.close();
  }
}

function saidIn({ conversation }: Sample): Said[] {
  return Object.entries(conversation).flatMap(([name, turns]) =>
    /^session_\d+$/.test(name) && Array.isArray(turns)
      ? turns.map((turn) => ({
          id: turn.dia_id,
          session: name.replace('_', ' '),
          date: String(conversation[`${name}_date_time`]),
          text: `${turn.speaker}: ${turn.text}${turn.blip_caption === undefined ? '' : ` [${turn.blip_caption}]`}`,
        }))
      : [],
  );
}

/** Ids are written in several ways there: "D1:3", "D1:03; D2:4". */
function evidenceIn(evidence: readonly string[]): string[] {
  const ids = evidence.flatMap((text) =>
    [...text.matchAll(/D\s*:?\s*(\d+)\s*:\s*0*(\d+)/g)].map(([, session, turn]) => `D${session}:${turn}`),
  );
  return [...new Set(ids)];
}
