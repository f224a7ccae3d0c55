/**
 * From the command to the engine's first model request: `aether start` on a running host, beside the same engine
 * started by hand with a bare SDK server; and the whole of a cold `aether up --detach`. The engine is the real
 * claude program, the model a scripted one in this process, which is where the clock stops.
 */
import { join } from 'node:path';
import { LiveFleet } from '../../support/live-fleet.ts';
import type { LoggedRequest } from '../../support/model-server/server.ts';
import type { Bench, Scale } from '../bench.ts';
import { EngineByHand } from '../engine-by-hand.ts';
import { median, pairedRatio } from '../figures.ts';
import type { Row } from '../report.ts';
import { BARE_SERVER } from './echo.ts';

const SECTION = '3. From the command to the engine’s first model request';
const GOAL = 'Begin. [[say hello]]';
const LIMIT_MS = 60_000;

/** `warm`: pairs before that, in which each side does what only a first start has to do. */
const COUNTS: Record<Scale, { warm: number; pairs: number; ups: number }> = {
  full: { warm: 1, pairs: 11, ups: 5 },
  quick: { warm: 1, pairs: 7, ups: 2 },
  smoke: { warm: 0, pairs: 1, ups: 1 },
};

export async function start(bench: Bench): Promise<Row[]> {
  const counts = COUNTS[bench.scale];
  bench.say('start: cold `aether up --detach`');
  const ups: number[] = [];
  for (let up = 1; up < counts.ups; up += 1) {
    const fleet = await makeFleet(bench);
    try {
      ups.push(await coldUp(fleet));
    } finally {
      await fleet.close();
    }
  }
  const fleet = await makeFleet(bench);
  try {
    ups.push(await coldUp(fleet));
    const view = await fleet.idle('worker');
    const hand = new EngineByHand(
      view.pid!,
      join(fleet.stateDir, 'agents', 'worker'),
      join(fleet.root, 'hand'),
      [process.execPath, BARE_SERVER],
    );
    bench.say(`start: ${counts.pairs} pairs`);
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let pair = -counts.warm; pair < counts.pairs; pair += 1) {
      const one = await aetherStart(fleet);
      const other = await byHand(fleet, hand);
      if (pair < 0) continue;
      ours.push(one);
      theirs.push(other);
    }
    return [
      {
        section: SECTION,
        what: '`aether start` on a running host',
        unit: 'ms',
        aether: median(ours),
        reference: { name: 'by hand, bare SDK server', value: median(theirs) },
        ratio: pairedRatio(ours, theirs),
        target: { of: 'ratio', at_most: 1.15 },
        note: `${ours.length} pairs: ${list(ours)} against ${list(theirs)}`,
      },
      {
        section: SECTION,
        what: 'cold `aether up --detach`: host, database, console, engine',
        unit: 'ms',
        aether: median(ups),
        reference: { name: 'by hand, bare SDK server', value: median(theirs) },
        ratio: median(ups) / median(theirs),
        target: null,
        note: list(ups),
      },
    ];
  } finally {
    await fleet.close();
  }
}

const list = (values: number[]): string => values.map((value) => value.toFixed(0)).join(' ');

function makeFleet(bench: Bench): Promise<LiveFleet> {
  return LiveFleet.make(
    { agents: { worker: { runtime: 'claude-code', goal: GOAL, restart: 'never' } } },
    { program: [process.execPath, bench.product.command] },
  );
}

async function coldUp(fleet: LiveFleet): Promise<number> {
  return commandToRequest(fleet, ['up', '--detach']);
}

async function aetherStart(fleet: LiveFleet): Promise<number> {
  await fleet.ok('stop', 'worker');
  const took = await commandToRequest(fleet, ['start', 'worker', '--fresh']);
  await fleet.idle('worker');
  return took;
}

async function commandToRequest(fleet: LiveFleet, args: string[]): Promise<number> {
  const seen = fleet.model.requests.length;
  const begun = Date.now();
  const { ended } = fleet.begin(args);
  const succeeded = ended.then(({ code, stderr }) => {
    if (code !== 0) throw new Error(`aether ${args.join(' ')} failed: ${stderr}`);
  });
  const [request] = await Promise.all([firstRequest(fleet, seen), succeeded]);
  return request.at_ms - begun;
}

async function byHand(fleet: LiveFleet, hand: EngineByHand): Promise<number> {
  const seen = fleet.model.requests.length;
  const begun = Date.now();
  const child = hand.start(GOAL);
  try {
    return (await firstRequest(fleet, seen)).at_ms - begun;
  } finally {
    await hand.stop(child);
  }
}

/** The two sides are only the same work when the engine has waited for its MCP server on both. */
async function firstRequest(fleet: LiveFleet, seen: number): Promise<LoggedRequest> {
  const request = await fleet.model.waitFor(({ index }) => index >= seen, LIMIT_MS);
  const { tools } = request.body as { tools?: { name: string }[] };
  if (!tools?.some(({ name }) => name.startsWith('mcp__aether__'))) {
    throw new Error(`the first model request (${request.path}) offers no tool of the MCP server`);
  }
  return request;
}
