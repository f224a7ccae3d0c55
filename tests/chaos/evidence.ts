/**
 * What is there when a fleet has come to rest, looked at from outside: the journals, the database, /proc, the
 * tellers' own ledgers and the model's log of requests. Plain data: what must be true of it is in invariants.ts.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { AgentView } from '../../src/host/api.ts';
import type { EventRow } from '../../src/host/store/events.ts';
import { eventually } from '../support/eventually.ts';
import { type ProcessSeen, processes } from '../support/live-fleet.ts';
import type { Cast } from './cast.ts';
import { NOTE, type Note } from './notes.ts';
import { type Ledger, readLedgers, type Stream } from './streams.ts';
import type { World } from './world.ts';

const CAUGHT_UP_MS = 10_000;

export interface RunRow {
  id: string;
  agent: string;
  state: string;
  exited_ms: number | null;
  exit: string | null;
}

export interface QuestionRow {
  run: string;
  title: string;
  state: string;
  answer: string | null;
}

/** What a model was told and answered in a conversation, by its longest request. */
export interface Conversation {
  /** Numbers of notes, in their order. */
  read: number[];
  results: string[];
}

export interface Evidence {
  cast: Cast;
  /** What the fleet's file names. */
  names: string[];
  edition: number;
  /** The disk was full at times. */
  filled: boolean;
  grouped: boolean;
  killedRuns: ReadonlyMap<string, 'engine' | 'shim'>;
  killedAgents: ReadonlySet<string>;
  streams: Stream[];
  ledgers: Ledger[];
  runs: RunRow[];
  events: EventRow[];
  /** Texts of memories and bodies of mails, one for each that is stored. */
  stored: string[];
  receipts: { id: string; state: string }[];
  questions: QuestionRow[];
  notes: Note[];
  /** How often each tool that a note led to has run, by the note's number. */
  tools: Map<number, number>;
  conversations: Map<string, Conversation>;
  /** Every request of any model that tells of notes: their numbers in their order. */
  told: number[][];
  views: AgentView[];
  /** Editions that the processes which have the floor were started with. */
  editions: Map<string, string>;
  /** Every process that names one of the fleet's runs, in its environment or its arguments. */
  processes: { run: string; shim: boolean; command: string }[];
}

export async function gather(world: World): Promise<Evidence> {
  const { fleet, streams } = world;
  const views = await fleet.withHost((client) => client.call('agents'));
  streams.read();
  const db = new Database(join(fleet.stateDir, 'aether.db'), { readonly: true });
  try {
    await caughtUp(db, streams.all());
    const told = fleet.model.requests
      .map(({ conversation }) => conversation)
      .filter((conversation) => conversation !== null)
      .map(({ turns }) => ({
        read: numbersIn(
          turns.filter(({ role }) => role === 'user' || role === 'system').map(({ text }) => text),
        ),
        turns,
      }));
    const runs = db.prepare<[], RunRow>('SELECT id, agent, state, exited_ms, exit FROM runs').all();
    const texts = (sql: string) => db.prepare<[], string>(sql).pluck().all();
    return {
      cast: world.cast,
      names: world.names(),
      edition: world.edition,
      filled: world.counts.fill > 0,
      grouped: world.grouped,
      killedRuns: world.killedRuns,
      killedAgents: world.killedAgents,
      streams: streams.all(),
      ledgers: readLedgers(world.ledgerDir),
      runs,
      events: db.prepare<[], EventRow>('SELECT * FROM events ORDER BY seq').all(),
      stored: [
        ...texts('SELECT text FROM memories'),
        ...texts("SELECT body FROM messages WHERE subject = 'numbered'"),
      ],
      receipts: db.prepare<[], { id: string; state: string }>('SELECT id, state FROM injections').all(),
      questions: db
        .prepare<[], QuestionRow>("SELECT run, title, state, answer FROM approvals WHERE kind = 'question'")
        .all(),
      notes: world.notes.all,
      tools: toolsRun(world.toolLedger),
      conversations: new Map(
        world.cast.talkers.flatMap((agent): [string, Conversation][] => {
          const last = world.notes.all.findLast((note) => note.agent === agent);
          const index = told.findLastIndex(({ read }) => last !== undefined && read.includes(last.number));
          const found = told[index];
          if (found === undefined) return [];
          return [[agent, { read: found.read, results: found.turns.flatMap(({ results }) => results) }]];
        }),
      ),
      told: told.map(({ read }) => read).filter((read) => read.length > 0),
      views,
      editions: editionsOf(views),
      processes: processesOf(new Set(fs.readdirSync(join(fleet.stateDir, 'runs')))),
    };
  } finally {
    db.close();
  }
}

/** The host may have a moment's work left with what was journalled last; for ever is for the judge. */
async function caughtUp(db: Database.Database, streams: Stream[]): Promise<void> {
  const count = db.prepare<[], number>("SELECT count(*) FROM events WHERE topic = 'engine.note'").pluck();
  const journalled = streams.reduce((sum, { errorLines }) => sum + errorLines, 0);
  await eventually('each line of stderr is an event', () => count.get()! >= journalled, CAUGHT_UP_MS).catch(
    () => undefined,
  );
}

export function numbersIn(texts: string[]): number[] {
  return [...texts.join('\n').matchAll(NOTE)].map(([, number]) => Number(number));
}

function toolsRun(file: string): Map<number, number> {
  const tools = new Map<number, number>();
  if (!fs.existsSync(file)) return tools;
  for (const [, number] of fs.readFileSync(file, 'utf8').matchAll(/^tool:(\d+):$/gm))
    tools.set(Number(number), (tools.get(Number(number)) ?? 0) + 1);
  return tools;
}

function editionsOf(views: AgentView[]): Map<string, string> {
  const editions = new Map<string, string>();
  for (const { name, pid } of views) {
    if (pid === null) continue;
    const environment = fs.readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    const edition = environment.find((entry) => entry.startsWith('CHAOS_EDITION='));
    if (edition !== undefined) editions.set(name, edition.slice('CHAOS_EDITION='.length));
  }
  return editions;
}

/** By the marker they inherited, or by the run that a teller's own children have in their arguments. */
export function processesOf(known: ReadonlySet<string>): Evidence['processes'] {
  return processes().flatMap((seen) => {
    const run = runOf(seen, known);
    return run === undefined
      ? []
      : [{ run, shim: seen.command.startsWith('aether-shim'), command: seen.command }];
  });
}

function runOf({ command, environment }: ProcessSeen, known: ReadonlySet<string>): string | undefined {
  const marker = environment.find((entry) => entry.startsWith('AETHER_RUN='))?.slice('AETHER_RUN='.length);
  return [marker, ...command.split(' ')].find((word) => word !== undefined && known.has(word));
}
