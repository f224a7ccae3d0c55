/**
 * The curve from 10 to 100 agents: what each costs the host in memory, and how long after an engine said something
 * a client hears of it. The engines are fixtures on the structured channel, each with a shim, a bridge and an open
 * MCP connection of its own, each saying something twice a second between ten lines that nobody needs.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { LiveFleet } from '../../support/live-fleet.ts';
import type { Bench, Scale } from '../bench.ts';
import { median, percentile } from '../figures.ts';
import { HostProbe, processorTime, residentMB } from '../host-probe.ts';
import { privateDirectory } from '../private-directory.ts';
import type { Row } from '../report.ts';

const ENGINE = fileURLToPath(new URL('../peers/fixture-engine.mjs', import.meta.url));
const SECTION = '7. One host, 10 to 100 agents';
const TICK_MS = 500;
const SETTLE_MS = 5_000;
const AT_ONCE = 4;

const LEVELS: Record<Scale, { levels: number[]; measure_ms: number }> = {
  full: { levels: [10, 25, 50, 75, 100], measure_ms: 20_000 },
  quick: { levels: [10, 50, 100], measure_ms: 10_000 },
  smoke: { levels: [1, 2], measure_ms: 1_000 },
};

interface Level {
  agents: number;
  rss_MB: number;
  latencies: number[];
  loop_ms: { host: number; idle: number };
  processor: number;
}

export async function curve(bench: Bench): Promise<Row[]> {
  const { levels, measure_ms } = LEVELS[bench.scale];
  const most = Math.max(...levels);
  const dir = privateDirectory();
  const probe = new HostProbe(dir.path);
  const env = { FIXTURE_TICK_MS: String(TICK_MS) };
  const agents = Object.fromEntries(
    Array.from({ length: most }, (_, index) => [
      nameOf(index),
      { runtime: 'claude-code', autostart: false, restart: 'never', env },
    ]),
  );
  const fleet = await LiveFleet.make(
    { agents },
    {
      program: [process.execPath, ...probe.flags, bench.product.command],
      env: { ...probe.env, AETHER_CLAUDE_BINARY: ENGINE },
    },
  );
  try {
    await fleet.up();
    await probe.ready();
    await sleep(SETTLE_MS);
    const empty_MB = residentMB(fleet.hostPid);
    const measured: Level[] = [];
    for (const [index, count] of levels.entries()) {
      bench.say(`curve: ${count} agents`);
      await startAgents(fleet, levels[index - 1] ?? 0, count);
      await sleep(SETTLE_MS);
      measured.push(await measure(fleet, probe, count, measure_ms));
    }
    return rows(measured, empty_MB);
  } finally {
    probe.close();
    await fleet.close();
    dir.remove();
  }
}

const nameOf = (index: number): string => `agent-${index}`;

async function startAgents(fleet: LiveFleet, from: number, to: number): Promise<void> {
  await fleet.withHost(async (client) => {
    for (let next = from; next < to; next += AT_ONCE) {
      const names = Array.from({ length: Math.min(AT_ONCE, to - next) }, (_, index) => nameOf(next + index));
      await Promise.all(names.map((name) => client.call('start', { agent: name })));
    }
  });
}

async function measure(
  fleet: LiveFleet,
  probe: HostProbe,
  agents: number,
  measure_ms: number,
): Promise<Level> {
  const client = await fleet.connect();
  const latencies: number[] = [];
  const stream = client.stream('follow', { topics: ['message.assistant'] });
  const following = (async () => {
    for await (const event of stream) {
      if (event.topic !== 'message.assistant') continue;
      const said = /^tick ([\d.]+)$/.exec(event.data.text);
      if (said !== null) latencies.push(performance.timeOrigin + performance.now() - Number(said[1]));
    }
  })();
  await probe.begin();
  const begun = performance.now();
  const before = processorTime(fleet.hostPid);
  const rss: number[] = [];
  while (performance.now() - begun < measure_ms) {
    await sleep(500);
    rss.push(residentMB(fleet.hostPid));
  }
  const seconds = (performance.now() - begun) / 1_000;
  const loop = await probe.read();
  stream.cancel();
  await following;
  client.close();
  const due = (agents * measure_ms) / TICK_MS;
  if (latencies.length < due / 2) {
    throw new Error(`${latencies.length} of some ${due} events came: the machine is too busy to measure on`);
  }
  return {
    agents,
    rss_MB: median(rss),
    latencies,
    loop_ms: { host: loop.host.p99_ms, idle: loop.idle.p99_ms },
    processor: (processorTime(fleet.hostPid) - before) / seconds,
  };
}

function rows(measured: Level[], empty_MB: number): Row[] {
  const [first, last] = [measured[0]!, measured.at(-1)!];
  const slope = (last.rss_MB - first.rss_MB) / (last.agents - first.agents);
  const shown = (of: (level: Level) => string) =>
    measured.map((level) => `${level.agents}: ${of(level)}`).join(' · ');
  const { latencies, loop_ms } = last;
  return [
    {
      section: SECTION,
      what: `host memory per agent, from none to ${last.agents}`,
      unit: 'MB',
      aether: (last.rss_MB - empty_MB) / last.agents,
      reference: null,
      ratio: null,
      target: { of: 'value', at_most: 1 },
      note: `from ${first.agents} to ${last.agents}: ${slope.toFixed(2)} MB; resident: 0: ${empty_MB.toFixed(0)} MB · ${shown((level) => `${level.rss_MB.toFixed(0)} MB`)}; processor of the host: ${shown((level) => `${(level.processor * 100).toFixed(0)} %`)}`,
    },
    {
      section: SECTION,
      what: `event latency p99 with ${last.agents} agents: engine says it → client has it`,
      unit: 'ms',
      aether: percentile(latencies, 99),
      reference: { name: 'event loop p99 of an idle program beside it', value: loop_ms.idle },
      ratio: percentile(latencies, 99) / loop_ms.idle,
      target: { of: 'value', at_most: 100 },
      note: `median/p99: ${shown((level) => `${median(level.latencies).toFixed(1)}/${percentile(level.latencies, 99).toFixed(0)}`)} ms; ${latencies.length} events at the last`,
    },
    {
      section: SECTION,
      what: `host event loop delay p99 with ${last.agents} agents`,
      unit: 'ms',
      aether: loop_ms.host,
      reference: { name: 'idle program beside it', value: loop_ms.idle },
      ratio: loop_ms.host / loop_ms.idle,
      target: null,
      note: `host/idle: ${shown((level) => `${level.loop_ms.host.toFixed(1)}/${level.loop_ms.idle.toFixed(1)}`)} ms`,
    },
  ];
}
