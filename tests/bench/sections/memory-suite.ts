/**
 * The generated cases of the memory's suite, through the tools alone, beside the same cases on a widely used memory server.
 * What the host's search and marking go by was fixed on other seeds than these.
 */
import { join } from 'node:path';
import { asked } from '../../host/memory/suite/absence.ts';
import { DECLARED, declared } from '../../host/memory/suite/declared.ts';
import { generated } from '../../host/memory/suite/facts.ts';
import { peerSubject } from '../../host/memory/suite/peer.ts';
import { SCRIPTS, scriptCases } from '../../host/memory/suite/scripts.ts';
import { undeclared } from '../../host/memory/suite/undeclared.ts';
import { type Case, ours, type Subject } from '../../host/memory/suite/world.ts';
import { engineProgram } from '../../support/engines.ts';
import type { Bench, Scale } from '../bench.ts';
import { privateDirectory } from '../private-directory.ts';
import { RawClient } from '../raw-client.ts';
import type { Row } from '../report.ts';

const SECTION = '2c. The generated suite of the memory, beside server-memory';
const PEER = 'server-memory';
const SEED = 83;
const FIXED_ON = 'thresholds fixed on seeds "a" and 1';

/** Cases of each class. */
interface Sizes {
  declared: number;
  undeclared: number;
  facts: number;
  scripts: (keyof typeof SCRIPTS)[];
  script: number;
}

/** Whole: some twenty seconds of each memory. */
const ALL: Sizes = {
  declared: 64,
  undeclared: 40,
  facts: Number.POSITIVE_INFINITY,
  scripts: Object.keys(SCRIPTS) as Sizes['scripts'],
  script: 48,
};

const SCALES: Record<Scale, Sizes> = {
  full: ALL,
  quick: ALL,
  smoke: { declared: 2, undeclared: 2, facts: 12, scripts: ['THAI'], script: 4 },
};

export async function memorySuite(bench: Bench): Promise<Row[]> {
  const dir = privateDirectory();
  const client = new RawClient(
    [process.execPath, engineProgram('@modelcontextprotocol/server-memory')],
    'legacy',
    { MEMORY_FILE_PATH: join(dir.path, 'memory.jsonl') },
  );
  try {
    await client.open();
    const theirs = peerSubject((tool, args) => client.call(tool, args));
    const both = async (run: (subject: Subject) => Promise<Result[]>): Promise<Row[]> => {
      const [mine, other] = [await run(ours), await run(theirs)];
      return mine.map((result, at) => rowOf(result, other[at]!.share));
    };
    const sizes = SCALES[bench.scale];
    const rows: Row[] = [];
    for (const section of DECLARED) {
      bench.say(`memory: ${section}`);
      const cases = declared(section, String(SEED), sizes.declared);
      rows.push(...(await both((subject) => declaredResults(subject, section, cases))));
    }
    bench.say('memory: undeclared, absence, scripts');
    const cases = undeclared(String(SEED), sizes.undeclared);
    rows.push(...(await both((subject) => undeclaredResults(subject, cases))));
    rows.push(...(await both((subject) => absenceResults(subject, sizes.facts))));
    rows.push(...(await both((subject) => scriptResults(subject, sizes))));
    return rows;
  } finally {
    await client.close();
    dir.remove();
  }
}

interface Result {
  what: string;
  /** Percent. */
  share: number;
  at_least: number;
  note: string;
}

const rowOf = ({ what, share, at_least, note }: Result, theirs: number): Row => ({
  ...{ section: SECTION, what, unit: '%', aether: share, reference: { name: PEER, value: theirs } },
  ratio: theirs === 0 ? null : share / theirs,
  target: { of: 'value', at_least },
  note,
});

const percent = (part: number, of: number): number => (of === 0 ? 100 : (100 * part) / of);

async function declaredResults(subject: Subject, section: string, cases: readonly Case[]): Promise<Result[]> {
  let whole = 0;
  for (const one of cases) if ((await subject.carriedOut(one)).every(({ holds }) => holds)) whole += 1;
  const note = `${cases.length} cases of seed ${SEED}, each with all its checks`;
  return [{ what: `declared: ${section}`, share: percent(whole, cases.length), at_least: 100, note }];
}

async function undeclaredResults(subject: Subject, cases: readonly Case[]): Promise<Result[]> {
  const rests = { marked: 0, of: 0 };
  const others = { marked: 0, of: 0 };
  for (const one of cases)
    for (const { check, is } of await subject.carriedOut(one)) {
      const sort = check.state === 'marked' ? rests : others;
      sort.of += 1;
      if (is === 'stale' || is === 'possibly_stale') sort.marked += 1;
    }
  const note = `${cases.length} cases of seed ${SEED}; ${FIXED_ON}`;
  return [
    {
      what: 'undeclared: what rests on a changed source, marked',
      share: percent(rests.marked, rests.of),
      at_least: 90,
      note,
    },
    {
      what: 'undeclared: what does not, left alone',
      share: 100 - percent(others.marked, others.of),
      at_least: 80,
      note,
    },
  ];
}

async function absenceResults(subject: Subject, count: number): Promise<Result[]> {
  const { direct, paraphrased, other, unrelated, ...all } = generated(SEED);
  const facts = all.facts.slice(0, count);
  const notes = await subject.notes(facts.map(({ text }) => text));
  try {
    const result = async (
      what: string,
      all: typeof direct,
      of: 'absent' | 'answered',
      at_least: number,
    ): Promise<Result> => {
      const questions = all.slice(0, count);
      const { absent } = await asked(notes, questions);
      const share = 100 * (of === 'absent' ? absent : 1 - absent);
      const note = `${questions.length} questions about ${facts.length} facts of seed ${SEED}; ${FIXED_ON}`;
      return { what: `absence: ${what}`, share, at_least, note };
    };
    return [
      await result('unrelated, said to be unknown', unrelated, 'absent', 99),
      await result('known thing, other attribute, said to be unknown', other, 'absent', 95),
      await result('answerable in other words, not said to be unknown', paraphrased, 'answered', 90),
      await result('answerable in its own words, not said to be unknown', direct, 'answered', 98),
    ];
  } finally {
    await notes.close();
  }
}

async function scriptResults(subject: Subject, { scripts, script: count }: Sizes): Promise<Result[]> {
  const results: Result[] = [];
  for (const name of scripts) {
    const { notes: texts, cases } = scriptCases(SCRIPTS[name], SEED, count);
    const notes = await subject.notes(texts);
    let found = 0;
    for (const { query, answer } of cases)
      if ((await notes.search(query)).texts.slice(0, 5).includes(answer)) found += 1;
    await notes.close();
    const note = `${cases.length} of ${texts.length} notes asked for, seed ${SEED}; among the first five`;
    results.push({
      what: `scripts: ${name.toLowerCase()}, found`,
      share: percent(found, cases.length),
      at_least: 95,
      note,
    });
  }
  return results;
}
