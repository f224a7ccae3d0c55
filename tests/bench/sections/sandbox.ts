/**
 * What a sandbox adds to the start of an agent: the same program in none, in bubblewrap with the network of this machine,
 * and with a network of its own, one after the other, from the verb to the program's first instruction.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LiveFleet } from '../../support/live-fleet.ts';
import type { Bench, Scale } from '../bench.ts';
import { median } from '../figures.ts';
import type { Row } from '../report.ts';

const SECTION = '10. What a sandbox adds to the start of an agent';
/** `warm`: rounds before that, in which each kind does what only a first start has to do. */
const ROUNDS: Record<Scale, { warm: number; rounds: number }> = {
  full: { warm: 1, rounds: 20 },
  quick: { warm: 1, rounds: 20 },
  smoke: { warm: 0, rounds: 1 },
};
const LIMIT_MS = 20_000;
const KINDS = {
  none: { sandbox: 'none' },
  box: { sandbox: 'bubblewrap', network: 'host' },
  network: { sandbox: 'bubblewrap', network: 'full' },
};
type Kind = keyof typeof KINDS;

export async function sandbox(bench: Bench): Promise<Row[]> {
  const { warm, rounds } = ROUNDS[bench.scale];
  bench.say(`sandbox: ${rounds} rounds`);
  const fleet = await LiveFleet.make(
    {
      agents: Object.fromEntries(
        Object.entries(KINDS).map(([name, more]) => [
          name,
          {
            runtime: 'command',
            command: ['sh', '-c', ': > begun; exec sleep 1000'],
            autostart: false,
            ...more,
          },
        ]),
      ),
    },
    { program: [process.execPath, bench.product.command] },
  );
  try {
    await fleet.up();
    const took: Record<Kind, number[]> = { none: [], box: [], network: [] };
    for (let round = -warm; round < rounds; round += 1)
      for (const kind of Object.keys(KINDS) as Kind[]) {
        const one = await startOf(fleet, kind);
        if (round >= 0) took[kind].push(one);
      }
    const added = (kind: Kind) => took[kind].map((value, at) => value - took.none[at]!);
    const row = (what: string, kind: Kind, at_most: number): Row => ({
      section: SECTION,
      what,
      unit: 'ms',
      aether: median(added(kind)),
      reference: null,
      ratio: null,
      target: { of: 'value', at_most },
      note: `${rounds} rounds; medians ${median(took[kind]).toFixed(0)} against ${median(took.none).toFixed(0)} without`,
    });
    return [
      row('a box of bubblewrap', 'box', 25),
      row('a box of bubblewrap with a network of its own', 'network', 100),
    ];
  } finally {
    await fleet.close();
  }
}

async function startOf(fleet: LiveFleet, agent: Kind): Promise<number> {
  const mark = join(fleet.project, 'workspaces', agent, 'begun');
  fs.rmSync(mark, { force: true });
  return await fleet.withHost(async (host) => {
    const begun = performance.now();
    const started = host.call('start', { agent });
    while (!fs.existsSync(mark)) {
      if (performance.now() - begun > LIMIT_MS) throw new Error(`${agent} did not begin`);
      await sleep(1);
    }
    const took = performance.now() - begun;
    await started;
    await host.call('kill', { agent });
    return took;
  });
}
