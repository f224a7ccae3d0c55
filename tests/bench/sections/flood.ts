/**
 * One agent that prints as fast as it can: whether the host still answers others in time, with nobody watching and
 * with somebody watching; whether memory and disk stay what they are, however much is printed; and how fast that is
 * beside tmux writing the same to a file.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { eventually } from '../../support/eventually.ts';
import { journalLength } from '../../support/journal.ts';
import { LiveFleet } from '../../support/live-fleet.ts';
import type { Bench, Scale } from '../bench.ts';
import { median, pairedRatio } from '../figures.ts';
import { HostProbe, parentOf, processorTime, residentMB } from '../host-probe.ts';
import { privateDirectory } from '../private-directory.ts';
import type { Row } from '../report.ts';
import { Tmux } from '../tmux.ts';

const FLOOD = fileURLToPath(new URL('../peers/flood.mjs', import.meta.url));
const SECTION = '8. An agent that prints without end';
const RATE_MB_S = 60;
const LIMIT_MS = 1_800_000;
const SAMPLE_MS = 100;
/** Samples of memory for each of the disk, which costs a program of its own. */
const DISK_EVERY = 10;

const COUNTS: Record<
  Scale,
  { settle_ms: number; loop_ms: number; flat_MB: number; pairs: number; pair_MB: number }
> = {
  full: { settle_ms: 1_000, loop_ms: 20_000, flat_MB: 10_000, pairs: 5, pair_MB: 300 },
  quick: { settle_ms: 1_000, loop_ms: 8_000, flat_MB: 1_000, pairs: 3, pair_MB: 100 },
  smoke: { settle_ms: 200, loop_ms: 300, flat_MB: 60, pairs: 1, pair_MB: 5 },
};

export async function flood(bench: Bench): Promise<Row[]> {
  const counts = COUNTS[bench.scale];
  const dir = privateDirectory();
  const probe = new HostProbe(dir.path);
  const result = join(dir.path, 'result');
  const printing = (rate: number | 'max', megabytes: number) => ({
    runtime: 'command',
    command: [process.execPath, '--no-warnings', FLOOD, String(rate), String(megabytes), result],
    autostart: false,
    restart: 'never',
  });
  const fleet = await LiveFleet.make(
    {
      agents: {
        steady: printing(RATE_MB_S, 1e9),
        endless: printing(bench.scale === 'smoke' ? RATE_MB_S : 'max', counts.flat_MB),
        burst: printing('max', counts.pair_MB),
      },
    },
    { program: [process.execPath, ...probe.flags, bench.product.command], env: probe.env },
  );
  try {
    await fleet.up();
    await probe.ready();
    bench.say(`flood: ${RATE_MB_S} MB/s, and the event loop`);
    const loop = await loopDelay(fleet, probe, counts);
    bench.say(`flood: ${counts.flat_MB} MB`);
    const flat = await flatMemory(fleet, result, counts.flat_MB);
    bench.say(`flood: ${counts.pairs} × ${counts.pair_MB} MB, beside tmux`);
    const speed = await throughput(fleet, dir.path, result, counts);
    return [...loop, ...flat, ...speed];
  } finally {
    probe.close();
    await fleet.close();
    dir.remove();
  }
}

async function loopDelay(
  fleet: LiveFleet,
  probe: HostProbe,
  { settle_ms, loop_ms }: { settle_ms: number; loop_ms: number },
): Promise<Row[]> {
  await fleet.ok('start', 'steady');
  const { run } = await fleet.agent('steady');
  const journal = join(fleet.stateDir, 'runs', run!, 'journal');
  const rows: Row[] = [];
  for (const watched of [false, true]) {
    const client = watched ? await fleet.connect() : null;
    let shown = 0;
    const viewing = (async () => {
      if (client === null) return;
      for await (const item of client.stream('attach', { agent: 'steady' }))
        if (item.kind === 'screen' || item.kind === 'chunk') shown += item.data.length * 0.75;
    })().catch(() => undefined); // the connection is closed below
    await sleep(settle_ms);
    await probe.begin();
    const [begun, from, processor, seen] = [
      performance.now(),
      journalLength(journal),
      processorTime(fleet.hostPid),
      shown,
    ];
    await sleep(loop_ms);
    const seconds = (performance.now() - begun) / 1e3;
    const { host, idle } = await probe.read();
    const rate = (journalLength(journal) - from) / 1e6 / seconds;
    const share = (processorTime(fleet.hostPid) - processor) / seconds;
    client?.close();
    await viewing;
    rows.push({
      section: SECTION,
      what: `host event loop delay p99 at ${RATE_MB_S} MB/s, ${watched ? 'somebody watching' : 'nobody watching'}`,
      unit: 'ms',
      aether: host.p99_ms,
      reference: { name: 'idle program beside it', value: idle.p99_ms },
      ratio: host.p99_ms / idle.p99_ms,
      target: { of: 'value', at_most: 30 },
      note: `${rate.toFixed(0)} MB/s reached the journal${watched ? `, ${((shown - seen) / 1e6 / seconds).toFixed(0)} MB/s the viewer` : ''}; median ${host.p50_ms.toFixed(1)}, largest ${host.max_ms.toFixed(0)} ms (idle: ${idle.max_ms.toFixed(0)}); host uses ${(share * 100).toFixed(0)} % of a processor`,
    });
  }
  await fleet.ok('kill', 'steady');
  return rows;
}

async function flatMemory(fleet: LiveFleet, result: string, megabytes: number): Promise<Row[]> {
  await fleet.ok('start', 'endless');
  const { run, pid } = await fleet.agent('endless');
  const shim = parentOf(pid!);
  const runDir = join(fleet.stateDir, 'runs', run!);
  const samples: { printed: number; host: number; shim: number }[] = [];
  let disk_MB = 0;
  const begun = performance.now();
  while (!existsSync(result) && performance.now() - begun < LIMIT_MS) {
    const printed = journalLength(join(runDir, 'journal')) / 1e6;
    samples.push({ printed, host: residentMB(fleet.hostPid), shim: residentMB(shim) });
    if (samples.length % DISK_EVERY === 1) disk_MB = Math.max(disk_MB, diskMB(runDir));
    await sleep(SAMPLE_MS);
  }
  if (!existsSync(result)) throw new Error(`${megabytes} MB were not printed within ${LIMIT_MS} ms`);
  rmSync(result);
  // The first tenth fills what is filled once: caches, buffers, the heap's own steps.
  const early = samples.filter(({ printed }) => printed > megabytes * 0.1 && printed <= megabytes * 0.3);
  const late = samples.filter(({ printed }) => printed > megabytes * 0.8);
  const row = (what: 'host' | 'shim'): Row => {
    const [before, after] = [early, late].map((some) => median(some.map((sample) => sample[what]))) as [
      number,
      number,
    ];
    return {
      section: SECTION,
      what: `${what} memory after ${megabytes / 1e3} GB, beside what it was after a tenth to a third of it`,
      unit: 'MB',
      aether: after,
      reference: { name: 'early in the run', value: before },
      ratio: after / before,
      target: { of: 'ratio', at_most: 1.1 },
      note: `largest ${Math.max(...samples.map((sample) => sample[what])).toFixed(0)} MB in ${samples.length} samples; at most ${disk_MB.toFixed(0)} MB of journal on the disk`,
    };
  };
  return [row('host'), row('shim')];
}

function diskMB(dir: string): number {
  return Number(execFileSync('du', ['-sk', dir], { encoding: 'utf8' }).split('\t')[0]) / 1024;
}

async function throughput(
  fleet: LiveFleet,
  dir: string,
  result: string,
  counts: { pairs: number; pair_MB: number },
): Promise<Row[]> {
  const took = async (): Promise<number> => {
    await eventually(
      'all is printed',
      () => existsSync(result) && readFileSync(result, 'utf8') !== '',
      LIMIT_MS,
    );
    const ms = Number(readFileSync(result, 'utf8'));
    rmSync(result);
    return counts.pair_MB / (ms / 1e3);
  };
  const tmux = Tmux.here() ? new Tmux(dir) : null;
  const ours: number[] = [];
  const theirs: number[] = [];
  try {
    for (let pair = 0; pair < counts.pairs; pair += 1) {
      await fleet.ok('start', 'burst');
      ours.push(await took());
      await fleet.until('burst', 'over', (view) => view.exit !== null);
      if (tmux === null) continue;
      tmux.run(
        [process.execPath, '--no-warnings', FLOOD, 'max', String(counts.pair_MB), result],
        join(dir, 'journal'),
      );
      theirs.push(await took());
      tmux.endSession();
    }
  } finally {
    tmux?.close();
  }
  const list = (values: number[]) => values.map((value) => value.toFixed(0)).join(' ');
  return [
    {
      section: SECTION,
      what: `output of a terminal program into the journal, ${counts.pair_MB} MB at a time`,
      unit: 'MB/s',
      aether: median(ours),
      reference: tmux === null ? null : { name: 'tmux pipe-pane to a file', value: median(theirs) },
      ratio: tmux === null ? null : pairedRatio(ours, theirs),
      target: null,
      note: `${list(ours)}${tmux === null ? '; tmux is not installed here, so there is no peer (Debian: apt-get install tmux)' : ` against ${list(theirs)}`}`,
    },
  ];
}
