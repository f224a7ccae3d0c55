/** What must be true of a fleet that came to rest, whatever was done to it. Pure: each fault can be tried. */
import { createHash } from 'node:crypto';
import type { EventRow } from '../../src/host/store/events.ts';
import type { Evidence, RunRow } from './evidence.ts';
import type { Note } from './notes.ts';

/** @returns what is not as it must be; [] when all is well. */
export function judge(evidence: Evidence): string[] {
  return [
    ...outputs(evidence),
    ...remarks(evidence),
    ...calls(evidence),
    ...questions(evidence),
    ...accounts(evidence),
    ...trees(evidence),
    ...chain(evidence.events),
    ...wishes(evidence),
    ...evidence.cast.talkers.flatMap((agent) => conversation(evidence, agent)),
    ...requests(evidence),
    ...tools(evidence),
  ];
}

/** All that a teller handed to the kernel is in its journal; only a killed shim may have lost the end of it. */
function outputs({ ledgers, streams, killedRuns }: Evidence): string[] {
  return ledgers.flatMap(({ run, told, errorsTold }) => {
    const { lines, errorLines } = streams.find((stream) => stream.run === run) ?? { lines: 0, errorLines: 0 };
    if ((lines >= told && errorLines >= errorsTold) || killedRuns.get(run) === 'shim') return [];
    return [
      `run ${run} printed ${told} lines and ${errorsTold} of stderr, and its journal has ${lines} and ${errorLines}`,
    ];
  });
}

/** What is in a journal was processed once: each line of a teller's stderr is one event, in its order. */
function remarks({ events, streams }: Evidence): string[] {
  const heard = new Map<string, number>();
  const found: string[] = [];
  for (const { topic, run, data } of events) {
    const number = /^e=(\d+) /.exec(
      topic === 'engine.note' ? (JSON.parse(data) as { text: string }).text : '',
    );
    if (number === null || run === null) continue;
    const before = heard.get(run) ?? 0;
    if (Number(number[1]) !== before + 1)
      found.push(`stderr line ${Number(number[1])} of run ${run} became an event after line ${before}`);
    heard.set(run, Number(number[1]));
  }
  for (const { run, errorLines } of streams) {
    const events = heard.get(run) ?? 0;
    if (events !== errorLines)
      found.push(`the journal of run ${run} has ${errorLines} lines of stderr, and ${events} became events`);
  }
  return found;
}

function calls({ ledgers, stored, filled, conversations }: Evidence): string[] {
  const times = new Map<string, number>();
  for (const key of stored) times.set(key, (times.get(key) ?? 0) + 1);
  const found: string[] = [];
  for (const ledger of ledgers) {
    for (const key of ledger.acked)
      if (!key.startsWith('ask:') && times.get(key) !== 1)
        found.push(`acknowledged call ${key} is stored ${times.get(key) ?? 0} times`);
    for (const key of ledger.asked)
      if (!ledger.acked.has(key) && (times.get(key) ?? 0) > 1)
        found.push(`call ${key}, never acknowledged, is stored ${times.get(key)} times`);
    found.push(...ledger.doubled.map((line) => `run ${ledger.run} got an answer it must not get: ${line}`));
    for (const { key, why } of ledger.refused) {
      if (!filled || !/ is full: this could not be stored/.test(why))
        found.push(`call ${key} was refused: ${why}`);
      if (times.has(key)) found.push(`call ${key} was refused and is stored nevertheless`);
    }
  }
  // What a model was told of its own calls is an acknowledgement as well.
  for (const [agent, { results }] of conversations)
    for (const result of results) {
      const key = /talk:[\w-]+:\d+/.exec(result)?.[0];
      if (key !== undefined && !result.includes(' is full') && times.get(key) !== 1)
        found.push(`${agent} was told that ${key} is stored, and it is there ${times.get(key) ?? 0} times`);
    }
  for (const [key, count] of times)
    if (key.startsWith('talk:') && count > 1) found.push(`${key} is stored ${count} times`);
  return found;
}

/** Whoever asks, and asks again over the death of a host, opens one question; who was answered, by its own answer. */
function questions({ ledgers, questions: rows }: Evidence): string[] {
  const found: string[] = [];
  const open = new Map<string, string[]>();
  for (const { title, state } of rows) open.set(title, [...(open.get(title) ?? []), state]);
  for (const [title, states] of open)
    if (states.length > 1) found.push(`the operator was asked ${states.length} times: ${title}`);
  for (const { acked } of ledgers)
    for (const key of acked)
      if (key.startsWith('ask:') && open.get(key)?.[0] !== 'answered')
        found.push(`${key} has its answer, and the question is ${open.get(key)?.[0] ?? 'not there'}`);
  return found;
}

/** Its host died before it was given a process: it had nothing to lose, and another one was begun. */
function neverBegan({ streams }: Evidence, run: RunRow): boolean {
  return run.exited_ms !== null && (streams.find((stream) => stream.run === run.id)?.spawned ?? 0) === 0;
}

/** Runs that ended although nobody ended them. */
export function lostRuns(evidence: Evidence): RunRow[] {
  return evidence.runs.filter((run) => {
    if (run.exited_ms === null || evidence.killedRuns.has(run.id)) return false;
    if (neverBegan(evidence, run)) return false;
    return (JSON.parse(run.exit ?? '{}') as { cause?: string }).cause !== 'stopped';
  });
}

function accounts(evidence: Evidence): string[] {
  const { cast, runs, killedRuns, streams } = evidence;
  const found = lostRuns(evidence).map((run) => `run ${run.id} of ${run.agent} ended by itself: ${run.exit}`);
  for (const name of [...cast.steady, ...cast.talkers]) {
    const own = runs.filter(
      (run) => run.agent === name && !killedRuns.has(run.id) && !neverBegan(evidence, run),
    );
    if (own.length !== 1)
      found.push(`${name}, which nobody touched, has ${own.length} runs: ${JSON.stringify(own)}`);
  }
  for (const [id, what] of killedRuns) {
    const run = runs.find((one) => one.id === id);
    if (run !== undefined && run.exited_ms === null)
      found.push(
        `run ${id} of ${run.agent} is held for alive (${run.state}) although its ${what} was killed`,
      );
  }
  for (const { run, exits } of streams)
    if (exits > 1) found.push(`the journal of run ${run} tells of ${exits} ends`);
  return found;
}

/** Each shim that lives belongs to a run that is held for alive, the other way round, and nobody else lives. */
function trees({ runs, processes }: Evidence): string[] {
  const found: string[] = [];
  const live = new Set(runs.filter((run) => run.exited_ms === null).map((run) => run.id));
  const shims = new Map<string, number>();
  for (const { run, shim, command } of processes) {
    if (shim) shims.set(run, (shims.get(run) ?? 0) + 1);
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
    const hash = hashOf(before, event);
    if (hash !== event.hash) return [`the chain of events breaks at ${event.seq} (${event.topic})`];
    before = hash;
  }
  return [];
}

export function hashOf(before: string, event: EventRow): string {
  const { id, at_ms, topic, agent, run, principal, grade, data } = event;
  const text = [before, id, at_ms, topic, agent ?? '', run ?? '', principal, grade, data].join('\n');
  return createHash('sha256').update(text).digest('hex');
}

/** What is, is what the file says. */
function wishes({ names, views, cast, edition, editions }: Evidence): string[] {
  const found: string[] = [];
  const wanted = [...names].sort();
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
    if (cast.volatile.includes(view.name) && editions.get(view.name) !== String(edition))
      found.push(
        `${view.name} runs edition ${editions.get(view.name)}, and the file says edition ${edition}`,
      );
  }
  return found;
}

/** Each note is read exactly once, and in its order among those of its priority. */
function conversation({ notes, receipts, killedAgents, conversations }: Evidence, agent: string): string[] {
  const found: string[] = [];
  const read = conversations.get(agent)?.read;
  if (read === undefined) return [`no model was ever told the last note to ${agent}`];
  const states = new Map(receipts.map(({ id, state }) => [id, state]));
  // A message that was on its way into an engine that was killed may say so; then it may have been read or not.
  const unknown = (note: Note) => killedAgents.has(agent) && states.get(note.id) === 'unknown';
  for (const note of notes.filter((one) => one.agent === agent)) {
    const times = read.filter((number) => number === note.number).length;
    const state = states.get(note.id);
    if (times > 1) found.push(`${agent} was told note ${note.number} ${times} times`);
    if (times === 0 && !unknown(note))
      found.push(`${agent} was never told note ${note.number}, whose receipt says ${state ?? 'nothing'}`);
    if (state !== 'acted' && state !== 'seen' && !unknown(note))
      found.push(`the receipt of note ${note.number} to ${agent} says ${state ?? 'nothing'}`);
  }
  for (const priority of ['now', 'next', 'later']) {
    const sent = notes.filter((note) => note.priority === priority).map(({ number }) => number);
    const came = read.filter((number) => sent.includes(number));
    if (came.some((number, at) => at > 0 && number < came[at - 1]!))
      found.push(`${agent} was told its notes (${priority}) in the order ${came}`);
  }
  return found;
}

/** Whatever the model was ever asked: nobody else's note. */
function requests({ notes, told }: Evidence): string[] {
  const agentOf = new Map(notes.map(({ number, agent }) => [number, agent]));
  const found = new Set<string>();
  for (const numbers of told) {
    const agents = new Set(numbers.map((number) => agentOf.get(number) ?? 'nobody'));
    if (agents.size > 1) found.add(`one request has notes to ${[...agents].join(' and ')}`);
  }
  return [...found];
}

/** A command that a model was given the result of has run once, and none has run twice. */
function tools({ tools: ran, conversations }: Evidence): string[] {
  const found = [...ran].flatMap(([number, times]) =>
    times > 1 ? [`the command of note ${number} ran ${times} times`] : [],
  );
  for (const [agent, { results }] of conversations)
    for (const result of results) {
      const number = /^tool:(\d+):$/m.exec(result)?.[1];
      if (number !== undefined && ran.get(Number(number)) !== 1)
        found.push(
          `${agent} was given the result of the command of note ${number}, which ran ${ran.get(Number(number)) ?? 0} times`,
        );
    }
  return found;
}

export interface Leftovers {
  processes: { command: string }[];
  /** Directories of control groups. */
  groups: string[];
  /** Names in the directory of the sockets. */
  sockets: string[];
}

/** After a proper `down`. */
export function leftovers({ processes, groups, sockets }: Leftovers): string[] {
  return [
    ...processes.map(({ command }) => `a process is left: ${command.slice(0, 120)}`),
    ...groups.map((path) => `control group ${path} is left`),
    ...sockets.filter((name) => name !== 'host.lock').map((name) => `${name} is left among the sockets`),
  ];
}
