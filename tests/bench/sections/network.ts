/**
 * The network of a run: what it adds to a start, and bytes and round trips through its relay and its proxy beside a
 * connection that goes straight from one process to another. All of it with a real shim, in one run, interleaved.
 */
import { spawn } from 'node:child_process';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { fileURLToPath } from 'node:url';
import { ShimLab, shell, type TestShim } from '../../support/shim.ts';
import type { Bench, Scale } from '../bench.ts';
import { median } from '../figures.ts';
import type { Row } from '../report.ts';

const PEER = fileURLToPath(new URL('../peers/stream-client.mjs', import.meta.url));
const PROXY = 3128;
const SECTION = 'The network of a run, beside a direct connection';

const COUNTS: Record<Scale, { starts: number; rounds: number; trips: number; megabytes: number }> = {
  full: { starts: 20, rounds: 5, trips: 2_000, megabytes: 256 },
  quick: { starts: 20, rounds: 3, trips: 1_000, megabytes: 128 },
  smoke: { starts: 1, rounds: 1, trips: 20, megabytes: 1 },
};

interface Measured {
  trip_ms: number;
  megabytes_per_s: number;
}

export async function network(bench: Bench): Promise<Row[]> {
  const counts = COUNTS[bench.scale];
  // The programs as they are published.
  process.env.AETHER_TEST_DIST = '1';
  const lab = new ShimLab();
  const server = await answering();
  try {
    const { port } = server.address() as AddressInfo;
    return [...(await starts(lab, counts.starts, bench)), ...(await streams(lab, port, counts, bench))];
  } finally {
    server.close();
    lab.clean();
  }
}

/** One byte is answered by one; `N\n` by that many. */
function answering(): Promise<Server> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      if (data.length === 1) return void socket.write(data);
      let left = Number(data.toString());
      const chunk = Buffer.alloc(256 * 1024);
      const more = () => {
        while (left > 0) {
          const size = Math.min(left, chunk.length);
          left -= size;
          if (!socket.write(chunk.subarray(0, size))) return void socket.once('drain', more);
        }
      };
      more();
    });
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

async function starts(lab: ShimLab, times: number, bench: Bench): Promise<Row[]> {
  const plain: number[] = [];
  const own: number[] = [];
  for (let time = 0; time < times; time += 1) {
    bench.say(`network: start ${time + 1} of ${times}`);
    plain.push(await started(await lab.launch(), false));
    own.push(await started(await lab.launch(), true));
  }
  const added = median(own.map((value, at) => value - plain[at]!));
  return [
    {
      section: SECTION,
      what: 'added to a start',
      unit: 'ms',
      aether: added,
      reference: null,
      ratio: null,
      target: { of: 'value', at_most: 100 },
      note: `median of ${times} pairs, interleaved; a start without takes ${median(plain).toFixed(1)} ms from a running shim`,
    },
  ];
}

/** From a running shim to the first output of a process. */
async function started(shim: TestShim, own: boolean): Promise<number> {
  const begun = performance.now();
  const policy = { allow: ['*'], model: [] };
  if (own) await shim.client.network('n', { egress: { port: PROXY, policy }, relays: [] });
  const first = new Promise<void>((resolve) =>
    shim.client.onNotice(() => shim.journal.read().text(0) && resolve()),
  );
  await shim.client.start('e', {
    ...shell('echo up; sleep 60'),
    ...(own ? { ownNetwork: true as const } : {}),
  });
  await first;
  const took = performance.now() - begun;
  await shim.client.stop('s', { term_ms: 0, kill_ms: 2_000 }, 'bench');
  return took;
}

async function streams(
  lab: ShimLab,
  port: number,
  { rounds, trips, megabytes }: (typeof COUNTS)[Scale],
  bench: Bench,
): Promise<Row[]> {
  const shim = await lab.launch();
  const policy = { allow: [`127.0.0.1:${port}`], model: [] };
  await shim.client.network('n', {
    egress: { port: PROXY, policy },
    relays: [{ port, to: { host: '127.0.0.1', port } }],
  });
  const spec = shell('while read -r line; do eval "$line"; echo; done');
  await shim.client.start('e', { ...spec, ownNetwork: true });
  const figures: Record<'direct' | 'relay' | 'proxy', Measured[]> = { direct: [], relay: [], proxy: [] };
  for (let round = 0; round < rounds; round += 1) {
    bench.say(`network: streams, round ${round + 1} of ${rounds}`);
    const line = (via: string) => [PEER, via, String(port), String(trips), String(megabytes)];
    figures.direct.push(await outside(line('direct')));
    for (const via of ['relay', 'proxy'] as const) {
      const before = shim.journal.read().text(0).length;
      const words = [process.execPath, ...line(via === 'proxy' ? String(PROXY) : 'direct')];
      await shim.client.write(0, `${via}-${round}`, `${words.map((word) => `'${word}'`).join(' ')}\n`);
      figures[via].push(await heard(shim, before));
    }
  }
  await shim.client.stop('s', { term_ms: 0, kill_ms: 2_000 }, 'bench');
  return (['relay', 'proxy'] as const).flatMap((via) => rowsOf(via, figures[via], figures.direct));
}

async function heard(shim: TestShim, from: number): Promise<Measured> {
  for (;;) {
    const text = shim.journal.read().text(0).slice(from);
    const line = /\{.*\}/.exec(text)?.[0];
    if (line !== undefined) return JSON.parse(line) as Measured;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function outside(args: string[]): Promise<Measured> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  for await (const chunk of child.stdout) text += chunk;
  return JSON.parse(text) as Measured;
}

function rowsOf(via: 'relay' | 'proxy', measured: Measured[], direct: Measured[]): Row[] {
  const row = (what: string, unit: Row['unit'], of: (one: Measured) => number): Row => ({
    section: SECTION,
    what: `${via}: ${what}`,
    unit,
    aether: median(measured.map(of)),
    reference: { name: 'direct', value: median(direct.map(of)) },
    ratio: median(measured.map((one, at) => of(one) / of(direct[at]!))),
    target: null,
    note: `median of ${measured.length} rounds, in turn with the direct one`,
  });
  return [
    row('one byte and its answer', 'ms', ({ trip_ms }) => trip_ms),
    row('bytes', 'MB/s', ({ megabytes_per_s }) => megabytes_per_s),
  ];
}
