/**
 * An echo through bridge, socket and the product's door, beside the same tool in a bare SDK server on stdio, and
 * beside a widely used server of the same kind. Calls are measured in turns, each time by a fresh client of that one
 * server; memory with all of them alive.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { engineProgram } from '../../support/engines.ts';
import { alone } from '../alone.ts';
import type { Bench, Scale } from '../bench.ts';
import { median, pairedRatio, percentile } from '../figures.ts';
import { memoryOf } from '../machine.ts';
import { atOnce, type Era, RawClient } from '../raw-client.ts';
import type { Row } from '../report.ts';

const SECTION = '1. An echo tool: bridge and host against a server per agent';
export const BARE_SERVER = fileURLToPath(new URL('../peers/echo-server.mjs', import.meta.url));
const ECHO_HOST = fileURLToPath(new URL('../peers/echo-host.ts', import.meta.url));
const RELAY = fileURLToPath(new URL('../peers/bare-relay.mjs', import.meta.url));
const BARE = 'bare SDK server';
/** Not a peer: what the way through a second process costs here, with nothing at its end. */
const FLOOR = 'bytes relayed, no server';
const MEMORY = 'server-memory';
const WIDTH = 32;

interface Counts {
  warm: number;
  rounds: number;
  perRound: number;
  /** Calls of a burst, and how many bursts a round ends with. */
  burst: number;
  bursts: number;
  starts: number;
}

const COUNTS: Record<Scale, Counts> = {
  full: { warm: 3_000, rounds: 11, perRound: 3_000, burst: 2_000, bursts: 3, starts: 21 },
  quick: { warm: 1_500, rounds: 5, perRound: 1_500, burst: 1_000, bursts: 3, starts: 9 },
  smoke: { warm: 5, rounds: 1, perRound: 5, burst: 64, bursts: 1, starts: 1 },
};

interface Server {
  argv: string[];
  env: Record<string, string>;
  /** The same request every time. */
  tool: string;
  args: Record<string, unknown>;
}

interface Servers {
  aether: Server;
  bare: Server;
  floor: Server;
  memory: Server;
}

export async function echo(bench: Bench): Promise<Row[]> {
  const counts = COUNTS[bench.scale];
  const dir = mkdtempSync(join(tmpdir(), 'ae-bench-'));
  const socket = join(dir, 'mcp.sock');
  const floor = join(dir, 'floor.sock');
  const hosts = [
    ['--no-warnings', ECHO_HOST, socket],
    [RELAY, 'serve', floor],
  ].map((args) => spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] }));
  try {
    await Promise.all(hosts.map(ready));
    const echoText = { tool: 'echo', args: { text: 'The quick brown fox.' } };
    const servers: Servers = {
      aether: { argv: [process.execPath, bench.product.bridge, socket], env: {}, ...echoText },
      bare: { argv: [process.execPath, BARE_SERVER], env: {}, ...echoText },
      floor: { argv: [process.execPath, RELAY, 'relay', floor], env: {}, ...echoText },
      memory: {
        argv: [process.execPath, engineProgram('@modelcontextprotocol/server-memory')],
        env: { MEMORY_FILE_PATH: join(dir, 'memory.jsonl') },
        tool: 'search_nodes',
        args: { query: 'fox' },
      },
    };
    bench.say('echo: latency, throughput, memory');
    const rows = [...(await calls('modern', servers, counts)), ...(await calls('legacy', servers, counts))];
    bench.say('echo: cold starts');
    const eras = bench.scale === 'smoke' ? (['legacy'] as const) : (['modern', 'legacy'] as const);
    for (const era of eras) rows.push(...(await coldStarts(era, servers, counts)));
    return rows;
  } finally {
    await Promise.all(hosts.map(end));
    rmSync(dir, { recursive: true, force: true });
  }
}

async function ready(host: ChildProcess): Promise<void> {
  const failed = once(host, 'close').then(() => {
    throw new Error('the host of the echo tool did not start');
  });
  await Promise.race([once(host.stdout!, 'data'), failed]);
}

async function end(host: ChildProcess): Promise<void> {
  if (host.exitCode !== null || host.signalCode !== null) return;
  const closed = once(host, 'close');
  host.kill();
  await closed;
}

/** server-memory speaks only the legacy era, so it stands beside that one. */
function sidesOf(era: Era, servers: Servers): [string, Server][] {
  const sides: [string, Server][] = [
    ['aether', servers.aether],
    [BARE, servers.bare],
  ];
  if (era === 'legacy') sides.push([MEMORY, servers.memory]);
  return sides;
}

async function calls(era: Era, servers: Servers, counts: Counts): Promise<Row[]> {
  const sides = sidesOf(era, servers);
  sides.push([FLOOR, servers.floor]);
  const latency = sides.map((): number[][] => []);
  const rate = sides.map((): number[] => []);
  for (let round = 0; round < counts.rounds; round += 1) {
    for (const [index, [, server]] of sides.entries()) {
      const measured = await alone({
        ...server,
        era,
        warm: counts.warm,
        calls: counts.perRound,
        burst: { calls: counts.burst, width: WIDTH, times: counts.bursts },
      });
      latency[index]!.push(measured.latency);
      rate[index]!.push(measured.rate!);
    }
  }
  const memory = await memoryAfter(era, sides, counts.burst * counts.bursts);
  return sides.slice(1).flatMap(([name], offset) => {
    const other = offset + 1;
    return rowsOfCalls(era, name, {
      latency: [latency[0]!, latency[other]!],
      rate: [rate[0]!, rate[other]!],
      memory: [memory[0]!, memory[other]!],
    });
  });
}

/** All alive at the moment of it: what they share (Node's own code) is split the same way for each. */
async function memoryAfter(
  era: Era,
  sides: [string, Server][],
  calls: number,
): Promise<ReturnType<typeof memoryOf>[]> {
  const clients = sides.map(([, { argv, env }]) => new RawClient(argv, era, env));
  try {
    for (const [index, client] of clients.entries()) {
      const { tool, args } = sides[index]![1];
      await client.open();
      await atOnce(calls, WIDTH, () => client.call(tool, args));
    }
    return clients.map(({ pid }) => memoryOf(pid));
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
}

function rowsOfCalls(
  era: Era,
  name: string,
  of: {
    latency: [number[][], number[][]];
    rate: [number[], number[]];
    memory: [ReturnType<typeof memoryOf>, ReturnType<typeof memoryOf>];
  },
): Row[] {
  const judged = name === BARE;
  const [ours, theirs] = of.latency;
  const rounds = of.latency.map((side) => side.map(median)) as [number[], number[]];
  const row = (what: string, rest: Omit<Row, 'section' | 'what' | 'note'> & { note?: string }): Row => ({
    section: SECTION,
    what: `${what}, ${era}`,
    note: '',
    ...rest,
  });
  const rows = [
    row('one call at a time, median', {
      unit: 'ms',
      aether: median(ours.flat()),
      reference: { name, value: median(theirs.flat()) },
      ratio: pairedRatio(...rounds),
      target: judged ? { of: 'ratio', at_most: 1.8 } : null,
      note: `p99 ${percentile(ours.flat(), 99).toFixed(3)} ms against ${percentile(theirs.flat(), 99).toFixed(3)} ms; ${ours.flat().length} calls each in ${ours.length} turns`,
    }),
    row(`${WIDTH} calls open at once`, {
      unit: 'calls/s',
      aether: median(of.rate[0]),
      reference: { name, value: median(of.rate[1]) },
      ratio: pairedRatio(...of.rate),
      target: judged ? { of: 'ratio', at_least: 1 } : null,
    }),
  ];
  if (name === FLOOR) return rows;
  return [
    ...rows,
    row('memory of the process per agent (PSS)', {
      unit: 'MB',
      aether: of.memory[0].pss_MB,
      reference: { name, value: of.memory[1].pss_MB },
      ratio: of.memory[0].pss_MB / of.memory[1].pss_MB,
      target: judged ? { of: 'ratio', at_most: 1 / 3 } : null,
      note: `after the calls above; private ${of.memory[0].private_MB.toFixed(1)} MB against ${of.memory[1].private_MB.toFixed(1)} MB`,
    }),
  ];
}

async function coldStarts(era: Era, servers: Servers, counts: Counts): Promise<Row[]> {
  const sides = sidesOf(era, servers);
  const times = sides.map((): number[] => []);
  const memory = sides.map((): number[] => []);
  for (let start = 0; start < counts.starts; start += 1) {
    for (const [index, [, { argv, env }]] of sides.entries()) {
      const begun = performance.now();
      const client = new RawClient(argv, era, env);
      try {
        await client.open();
        await client.request('tools/list');
        times[index]!.push(performance.now() - begun);
        memory[index]!.push(memoryOf(client.pid).pss_MB);
      } finally {
        await client.close();
      }
    }
  }
  return sides.slice(1).map(([name], offset): Row => {
    const theirs = times[offset + 1]!;
    return {
      section: SECTION,
      what: `cold start: spawn to the answer of tools/list, ${era}`,
      unit: 'ms',
      aether: median(times[0]!),
      reference: { name, value: median(theirs) },
      ratio: pairedRatio(times[0]!, theirs),
      target: name === BARE ? { of: 'ratio', at_most: 1 / 4 } : null,
      note: `${counts.starts} starts each, in turns; PSS right then ${median(memory[0]!).toFixed(1)} MB against ${median(memory[offset + 1]!).toFixed(1)} MB`,
    };
  });
}
