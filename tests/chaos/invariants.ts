/**
 * What must be true of a fleet that came to rest, whatever was done to it: seen from outside, in the journals, the
 * database, /proc, the tellers' own ledgers and the model's log of requests.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { AgentView } from '../../src/host/api.ts';
import { processes } from '../support/live-fleet.ts';
import { resultsIn, saidIn } from '../support/model-server/server.ts';
import { groupsLeft } from '../support/run-tree.ts';
import { type Ledger, readLedgers } from './streams.ts';
import type { Note, World } from './world.ts';

export interface Figures {
  hostKills: number;
  hostKillsInStart: number;
  agents: number;
  runs: number;
  runsLost: number;
  lines: number;
  outputBytes: number;
  callsAsked: number;
  callsAcked: number;
  callsRefused: number;
  notes: number;
  events: number;
  violations: number;
}

interface RunRow {
  id: string;
  agent: string;
  state: string;
  exited_ms: number | null;
  exit: string | null;
}

interface EventRow {
  seq: number;
  id: string;
  at_ms: number;
  topic: string;
  agent: string | null;
  run: string | null;
  principal: string;
  grade: string;
  data: string;
  hash: string;
}

/** @returns what is not as it must be; [] when all is well. */
export async function judge(world: World): Promise<{ violations: string[]; figures: Figures }> {
  const { fleet, streams } = world;
  const views = await fleet.withHost((client) => client.call('agents'));
  const ledgers = readLedgers(world.ledgerDir);
  const db = new Database(join(fleet.stateDir, 'aether.db'), { readonly: true });
  try {
    streams.read();
    const runs = db.prepare<[], RunRow>('SELECT id, agent, state, exited_ms, exit FROM runs').all();
    const events = db.prepare<[], EventRow>('SELECT * FROM events ORDER BY seq').all();
    const facts = db.prepare<[], string>('SELECT text FROM memories').pluck().all();
    const mails = db
      .prepare<[], string>("SELECT body FROM messages WHERE subject = 'numbered'")
      .pluck()
      .all();
    const receipts = db.prepare<[], { id: string; state: string }>('SELECT id, state FROM injections').all();
    const violations = [
      ...world.complaints,
      ...streams.violations,
      ...outputs(world, ledgers),
      ...calls(world, ledgers, [...facts, ...mails]),
      ...accounts(world, runs),
      ...chain(events),
      ...wishes(world, views),
      ...notes(world, receipts),
    ];
    const figures: Figures = {
      hostKills: world.counts.hosts,
      hostKillsInStart: world.counts.early,
      agents: views.length,
      runs: runs.length,
      runsLost: lostRuns(world, runs).length,
      lines: streams.all().reduce((sum, stream) => sum + stream.lines, 0),
      outputBytes: streams.all().reduce((sum, stream) => sum + stream.bytes, 0),
      callsAsked: ledgers.reduce((sum, { asked }) => sum + asked.size, 0),
      callsAcked: ledgers.reduce((sum, { acked }) => sum + acked.size, 0),
      callsRefused: ledgers.reduce((sum, { refused }) => sum + refused.length, 0),
      notes: world.notes.length,
      events: events.length,
      violations: violations.length,
    };
    return { violations, figures };
  } finally {
    db.close();
  }
}

/** All that a teller handed to the kernel is in its journal; only a killed shim may have lost the end of it. */
function outputs(world: World, ledgers: Ledger[]): string[] {
  return ledgers.flatMap(({ run, told }) => {
    const lines = world.streams.of(run)?.lines ?? 0;
    if (lines >= told || world.killedRuns.get(run) === 'shim') return [];
    return [`run ${run} printed ${told} lines and its journal has ${lines}`];
  });
}

function calls(world: World, ledgers: Ledger[], stored: string[]): string[] {
  const times = new Map<string, number>();
  for (const key of stored) times.set(key, (times.get(key) ?? 0) + 1);
  const found: string[] = [];
  for (const ledger of ledgers) {
    for (const key of ledger.acked)
      if (times.get(key) !== 1) found.push(`acknowledged call ${key} is stored ${times.get(key) ?? 0} times`);
    for (const key of ledger.asked)
      if (!ledger.acked.has(key) && (times.get(key) ?? 0) > 1)
        found.push(`call ${key}, never acknowledged, is stored ${times.get(key)} times`);
    found.push(...ledger.doubled.map((line) => `run ${ledger.run} got an answer too many: ${line}`));
    found.push(...ledger.refused.map(({ key, why }) => `call ${key} was refused: ${why}`));
  }
  // What a model was told of its own calls is an acknowledgement as well.
  for (const agent of world.cast.talkers) {
    const last = world.fleet.model.requests.findLast((request) =>
      saidIn(request).includes(lastNote(world, agent)),
    );
    for (const result of last === undefined ? [] : resultsIn(last)) {
      const key = /talk:[\w-]+:\d+/.exec(result)?.[0];
      if (key !== undefined && times.get(key) !== 1)
        found.push(`${agent} was told that ${key} is stored, and it is there ${times.get(key) ?? 0} times`);
    }
  }
  for (const [key, count] of times)
    if (key.startsWith('talk:') && count > 1) found.push(`${key} is stored ${count} times`);
  return found;
}

function lastNote(world: World, agent: string): string {
  return world.notes.findLast((note) => note.agent === agent)?.text ?? 'nothing was said';
}

/** Its host died before it was given a process: it had nothing to lose, and another one was begun. */
function neverBegan(world: World, run: RunRow): boolean {
  return run.exited_ms !== null && (world.streams.of(run.id)?.spawned ?? 0) === 0;
}

/** Runs that ended although nobody ended them. */
function lostRuns(world: World, runs: RunRow[]): RunRow[] {
  return runs.filter((run) => {
    if (run.exited_ms === null || world.killedRuns.has(run.id)) return false;
    if (neverBegan(world, run)) return false;
    return (JSON.parse(run.exit ?? '{}') as { cause?: string }).cause !== 'stopped';
  });
}

function accounts(world: World, runs: RunRow[]): string[] {
  const found = lostRuns(world, runs).map(
    (run) => `run ${run.id} of ${run.agent} ended by itself: ${run.exit}`,
  );
  for (const name of [...world.cast.steady, ...world.cast.talkers]) {
    const own = runs.filter(
      (run) => run.agent === name && !world.killedRuns.has(run.id) && !neverBegan(world, run),
    );
    if (own.length !== 1)
      found.push(`${name}, which nobody touched, has ${own.length} runs: ${JSON.stringify(own)}`);
  }
  for (const [id, what] of world.killedRuns) {
    const run = runs.find((one) => one.id === id);
    if (run !== undefined && run.exited_ms === null)
      found.push(
        `run ${id} of ${run.agent} is held for alive (${run.state}) although its ${what} was killed`,
      );
  }
  for (const { run, exits } of world.streams.all())
    if (exits > 1) found.push(`the journal of run ${run} tells of ${exits} ends`);
  // Each shim that lives belongs to a run that is held for alive, and the other way round.
  const live = new Set(runs.filter((run) => run.exited_ms === null).map((run) => run.id));
  const known = new Set(readdirSync(join(world.fleet.stateDir, 'runs')));
  const shims = new Map<string, number>();
  for (const { command, environment } of processes()) {
    const run = environment.find((entry) => entry.startsWith('AETHER_RUN='))?.slice('AETHER_RUN='.length);
    if (run === undefined || !known.has(run)) continue;
    if (command.startsWith('aether-shim')) shims.set(run, (shims.get(run) ?? 0) + 1);
    if (!live.has(run)) found.push(`a process of the ended run ${run} still lives: ${command.slice(0, 120)}`);
  }
  for (const run of live)
    if (shims.get(run) !== 1) found.push(`run ${run}, held for alive, has ${shims.get(run) ?? 0} shims`);
  return found;
}

/** By the documented rule, not by the host's own function: seq without gap, each hash over its row and the one before. */
function chain(events: EventRow[]): string[] {
  let before = '';
  for (const [index, event] of events.entries()) {
    if (event.seq !== index + 1) return [`event ${index + 1} is missing, ${event.seq} follows`];
    const { id, at_ms, topic, agent, run, principal, grade, data } = event;
    const text = [before, id, at_ms, topic, agent ?? '', run ?? '', principal, grade, data].join('\n');
    const hash = createHash('sha256').update(text).digest('hex');
    if (hash !== event.hash) return [`the chain of events breaks at ${event.seq} (${topic})`];
    before = hash;
  }
  return [];
}

/** What is, is what the file says. */
function wishes(world: World, views: AgentView[]): string[] {
  const found: string[] = [];
  const wanted = world.names().sort();
  const there = views.map(({ name }) => name).sort();
  if (JSON.stringify(wanted) !== JSON.stringify(there))
    found.push(`the file names ${wanted}, there are ${there}`);
  for (const view of views) {
    if (
      view.state !== 'running' ||
      view.requested !== null ||
      view.pending !== null ||
      view.lease !== null ||
      view.hold !== null
    )
      found.push(
        `${view.name} is ${view.state}, requested ${view.requested}, pending ${view.pending}, lease ${view.lease?.phase}`,
      );
    if (world.cast.volatile.includes(view.name) && view.pid !== null) {
      const environment = readFileSync(`/proc/${view.pid}/environ`, 'utf8').split('\0');
      if (!environment.includes(`CHAOS_EDITION=${world.edition}`))
        found.push(`${view.name} does not run what the file says: edition ${world.edition}`);
    }
  }
  return found;
}

/** Each note is read exactly once and in its order by the model it was meant for, and by no other. */
function notes(world: World, receipts: { id: string; state: string }[]): string[] {
  const found: string[] = [];
  for (const agent of world.cast.talkers) {
    const own = world.notes.filter((note) => note.agent === agent);
    const last = world.fleet.model.requests.findLast((request) =>
      saidIn(request).includes(lastNote(world, agent)),
    );
    if (last === undefined) {
      found.push(`no model was ever told the last note to ${agent}`);
      continue;
    }
    const stateOf = (note: Note) => receipts.find(({ id }) => id === note.id)?.state;
    const read = [...saidIn(last).matchAll(/note#(\d+);/g)].map(([, number]) => Number(number));
    // A message that was on its way into an engine that was killed may say so; then it may have been read or not.
    const unknown = (note: Note) => world.killedAgents.has(agent) && stateOf(note) === 'unknown';
    const sent = own
      .filter((note) => !unknown(note) || read.includes(note.number))
      .map(({ number }) => number);
    if (JSON.stringify(read) !== JSON.stringify(sent)) {
      const lost = sent.filter((number) => !read.includes(number));
      const doubled = read.filter((number, index) => read.indexOf(number) !== index);
      found.push(
        `${agent} was sent ${sent.length} notes and read ${read.length}; lost: ${lost}; doubled: ${doubled}; in the order ${read}`,
      );
    }
    for (const note of own) {
      const state = stateOf(note);
      if (state !== 'acted' && state !== 'seen' && !unknown(note))
        found.push(`the receipt of note ${note.number} to ${agent} says ${state ?? 'nothing'}`);
    }
  }
  return found;
}

/** After a proper `down`. */
export function leftovers(world: World): string[] {
  const { fleet } = world;
  const sockets = readFileSync(join(fleet.stateDir, 'sockets'), 'utf8').trim();
  return [
    ...fleet.survivors().map(({ pid, what }) => `process ${pid} is left: ${what.slice(0, 120)}`),
    ...groupsLeft(fleet.stateDir).map((path) => `control group ${path} is left`),
    ...readdirSync(sockets)
      .filter((name) => name !== 'host.lock')
      .map((name) => `${name} is left among the sockets`),
  ];
}
