/**
 * An agent of the real openclaw package: from `aether start` to its first model request, and the memory of its processes
 * then, beside `openclaw agent exec` by hand; a stop in mid-turn; and a later turn beside a plain client of a gateway that was
 * started by hand. The model is a scripted one in this process, and everything is measured in turns.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { descendants } from '../../../src/host/process/proc.ts';
import { engineProgram } from '../../support/engines.ts';
import { LiveFleet } from '../../support/live-fleet.ts';
import { type LoggedRequest, saidIn } from '../../support/model-server/server.ts';
import { shimOf, treeOf } from '../../support/run-tree.ts';
import type { Bench, Scale } from '../bench.ts';
import { median, pairedRatio, percentile } from '../figures.ts';
import { memoryOf } from '../machine.ts';
import { OpenClawByHand } from '../openclaw-by-hand.ts';
import type { Row } from '../report.ts';
import { BARE_SERVER } from './echo.ts';

const SECTION = '11. OpenClaw, beside the same package by hand';
/** It goes on for a moment, in which the processes are counted. */
const GOAL = 'Begin. [[slow 200 one two three four five six]]';
const LIMIT_MS = 240_000;
const TURN_MS = 120_000;
/** A gateway works on after it has told the end of a turn: 90 ms of a processor, which the other side's turn would wait for. */
const REST_MS = 500;

/** `warm`: pairs before that, in which each side does what only a first start has to do. A pair takes most of a minute. */
const COUNTS: Record<Scale, { warm: number; pairs: number; turns: number }> = {
  full: { warm: 1, pairs: 11, turns: 30 },
  quick: { warm: 1, pairs: 3, turns: 12 },
  smoke: { warm: 0, pairs: 1, turns: 2 },
};

interface Start {
  took_ms: number;
  memory_MB: number;
}

interface Turn {
  request_ms: number;
  end_ms: number;
}

export async function openclaw(bench: Bench): Promise<Row[]> {
  const { warm, pairs, turns } = COUNTS[bench.scale];
  const fleet = await makeFleet(bench);
  try {
    await fleet.up();
    const hand = await byHand(fleet);
    const [ours, theirs, stops] = [[] as Start[], [] as Start[], [] as number[]];
    for (let pair = -warm; pair < pairs; pair += 1) {
      bench.say(`openclaw: start ${pair + warm + 1} of ${pairs + warm}`);
      const one = await aetherStart(fleet);
      const stopped = await stopInMidTurn(fleet, pair);
      const other = await execByHand(fleet, hand);
      if (pair < 0) continue;
      ours.push(one);
      stops.push(stopped);
      theirs.push(other);
    }
    bench.say(`openclaw: ${turns} later turns`);
    const later = await laterTurns(fleet, hand, { warm: warm * 3, turns });
    return [...startRows(ours, theirs), stopRow(stops), ...turnRows(later)];
  } finally {
    await fleet.close();
  }
}

async function makeFleet(bench: Bench): Promise<LiveFleet> {
  const fleet = await LiveFleet.make({ agents: {} }, { program: [process.execPath, bench.product.command] });
  fleet.configure({
    agents: {
      claw: {
        runtime: 'openclaw',
        bin: engineProgram('openclaw'),
        model: 'anthropic/scripted',
        auth: 'ANTHROPIC_API_KEY',
        env: { ANTHROPIC_BASE_URL: fleet.model.url },
        permissions: 'allow',
        restart: 'never',
        autostart: false,
        goal: GOAL,
      },
    },
  });
  return fleet;
}

/** What it is given is read from a run of it. */
async function byHand(fleet: LiveFleet): Promise<OpenClawByHand> {
  await fleet.ok('start', 'claw');
  const { pid } = await fleet.idle('claw', LIMIT_MS);
  const dir = join(fleet.root, 'hand');
  const hand = new OpenClawByHand(pid!, engineProgram('openclaw'), dir, [process.execPath, BARE_SERVER]);
  await fleet.ok('stop', 'claw');
  return hand;
}

async function aetherStart(fleet: LiveFleet): Promise<Start> {
  const seen = fleet.model.requests.length;
  const begun = Date.now();
  const started = fleet.ok('start', 'claw', '--fresh');
  const [request] = await Promise.all([firstRequest(fleet, seen), started]);
  const { run } = await fleet.agent('claw');
  const start = { took_ms: request.at_ms - begun, memory_MB: memoryBelow(shimOf(run!)!) };
  await fleet.idle('claw', TURN_MS);
  return start;
}

async function execByHand(fleet: LiveFleet, hand: OpenClawByHand): Promise<Start> {
  const seen = fleet.model.requests.length;
  const begun = Date.now();
  const child = hand.exec(GOAL);
  try {
    const request = await firstRequest(fleet, seen);
    return { took_ms: request.at_ms - begun, memory_MB: memoryBelow(child.pid!) };
  } finally {
    await hand.stop(child);
  }
}

/** The two sides are only the same work when the engine has waited for its MCP server on both. */
async function firstRequest(fleet: LiveFleet, seen: number): Promise<LoggedRequest> {
  const request = await fleet.model.waitFor(({ index }) => index >= seen, LIMIT_MS);
  const { tools } = request.body as { tools?: { name: string }[] };
  if (!tools?.some(({ name }) => name.startsWith('aether__')))
    throw new Error(`the first model request (${request.path}) offers no tool of the MCP server`);
  return request;
}

/** It and all below it, what they share counted once. */
function memoryBelow(pid: number): number {
  const pids = [pid, ...descendants(pid).map((below) => below.pid)];
  return pids.reduce((sum, one) => sum + (memoryIfThere(one) ?? 0), 0);
}

function memoryIfThere(pid: number): number | null {
  try {
    return memoryOf(pid).pss_MB;
  } catch {
    return null; // it has ended since it was listed
  }
}

/** From the command to its end; then no process of the run is left. */
async function stopInMidTurn(fleet: LiveFleet, pair: number): Promise<number> {
  const { run } = await fleet.agent('claw');
  await fleet.inject('claw', `Stay. [[hang stop-${pair}]]`);
  await fleet.model.waitFor((request) => saidIn(request).includes(`[[hang stop-${pair}]]`), TURN_MS);
  const begun = Date.now();
  await fleet.ok('stop', 'claw');
  const took = Date.now() - begun;
  const left = treeOf(run!);
  if (left.length > 0) throw new Error(`a stop left ${left.length} processes of the run behind`);
  return took;
}

async function laterTurns(
  fleet: LiveFleet,
  hand: OpenClawByHand,
  { warm, turns }: { warm: number; turns: number },
): Promise<{ ours: Turn[]; theirs: Turn[] }> {
  await aetherStart(fleet);
  const gateway = await hand.gateway();
  try {
    await gateway.client.turn(GOAL);
    const [ours, theirs] = [[] as Turn[], [] as Turn[]];
    for (let turn = -warm; turn < turns; turn += 1) {
      await sleep(REST_MS);
      const one = await ourTurn(fleet, `Turn ${turn} of ours. [[say ok]]`);
      await sleep(REST_MS);
      const text = `Turn ${turn} by hand. [[say ok]]`;
      const other = await timed(fleet, text, () => gateway.client.turn(text));
      if (turn < 0) continue;
      ours.push(one);
      theirs.push(other);
    }
    return { ours, theirs };
  } finally {
    await gateway.close();
  }
}

function ourTurn(fleet: LiveFleet, text: string): Promise<Turn> {
  return fleet.withHost(async (host) => {
    const ended = host.stream('logs', { last: 0, follow: true, agent: 'claw', topics: ['turn.ended'] });
    // It is followed from here on: nothing of the turn before is told.
    const next = ended[Symbol.asyncIterator]().next();
    return timed(fleet, text, async () => {
      await host.call('inject', { agent: 'claw', text });
      await next;
    });
  });
}

async function timed(fleet: LiveFleet, text: string, turn: () => Promise<unknown>): Promise<Turn> {
  const begun = Date.now();
  const over = turn().then(() => Date.now());
  over.catch(() => undefined); // told below, when the request has come
  const request = await fleet.model.waitFor((one) => saidIn(one).includes(text), TURN_MS);
  return { request_ms: request.at_ms - begun, end_ms: (await over) - begun };
}

const list = (values: number[]): string => values.map((value) => value.toFixed(0)).join(' ');

function startRows(ours: Start[], theirs: Start[]): Row[] {
  const row = (what: string, unit: Row['unit'], of: (start: Start) => number): Row => ({
    section: SECTION,
    what,
    unit,
    aether: median(ours.map(of)),
    reference: { name: '`openclaw agent exec`', value: median(theirs.map(of)) },
    ratio: pairedRatio(ours.map(of), theirs.map(of)),
    target: null,
    note: `${ours.length} pairs: ${list(ours.map(of))} against ${list(theirs.map(of))}`,
  });
  return [
    row('from `aether start` to its first model request', 'ms', ({ took_ms }) => took_ms),
    row('memory (PSS) of its processes then, shim included', 'MB', ({ memory_MB }) => memory_MB),
  ];
}

function stopRow(stops: number[]): Row {
  return {
    section: SECTION,
    what: '`aether stop` in mid-turn, until nothing of it is left',
    unit: 'ms',
    aether: median(stops),
    reference: null,
    ratio: null,
    target: { of: 'value', at_most: 5_000 },
    note: `${stops.length} stops: ${list(stops)}`,
  };
}

function turnRows({ ours, theirs }: { ours: Turn[]; theirs: Turn[] }): Row[] {
  const row = (what: string, of: (turn: Turn) => number): Row => ({
    section: SECTION,
    what,
    unit: 'ms',
    aether: median(ours.map(of)),
    reference: { name: 'a plain client of a gateway', value: median(theirs.map(of)) },
    ratio: pairedRatio(ours.map(of), theirs.map(of)),
    target: { of: 'ratio', at_most: 1.15 },
    note: `${ours.length} pairs; p90 ${percentile(ours.map(of), 90).toFixed(0)} against ${percentile(theirs.map(of), 90).toFixed(0)}`,
  });
  return [
    row('a later turn: from the message to its model request', ({ request_ms }) => request_ms),
    row('a later turn: from the message to its end', ({ end_ms }) => end_ms),
  ];
}
