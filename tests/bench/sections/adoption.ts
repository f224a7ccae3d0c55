/**
 * Twenty live runs, their host killed, a new host: how long until each run is written to and read from again.
 * Writing is an injected message that reaches the agent's terminal, reading is the agent's own answer to it as
 * the new host shows it. Then the same by way of the agent's tools, whose bridges have to come back by themselves.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { TerminalItem } from '../../../src/host/api.ts';
import type { ControlClient } from '../../../src/host/control/client.ts';
import { AetherError } from '../../../src/host/errors.ts';
import { LiveFleet } from '../../support/live-fleet.ts';
import type { Bench, Scale } from '../bench.ts';
import { median } from '../figures.ts';
import type { Row } from '../report.ts';

const AGENT = fileURLToPath(new URL('../peers/listening-agent.sh', import.meta.url));
const LIMIT_MS = 30_000;
const LOOK_AGAIN_MS = 2;

const COUNTS: Record<Scale, { runs: number; times: number }> = {
  full: { runs: 20, times: 9 },
  quick: { runs: 20, times: 4 },
  smoke: { runs: 2, times: 1 },
};

/** Milliseconds since the new host was executed. */
interface Adoption {
  /** Its control socket answers. */
  answers: number;
  /** Every run has been written to and has been read. */
  runs: number;
  /** Every run's tools have answered. */
  tools: number;
}

export async function adoption(bench: Bench): Promise<Row[]> {
  const counts = COUNTS[bench.scale];
  const names = Array.from({ length: counts.runs }, (_, index) => `agent-${index}`);
  const fleet = await LiveFleet.make(
    {
      agents: Object.fromEntries(names.map((name) => [name, { runtime: 'command', command: ['sh', AGENT] }])),
    },
    { program: [process.execPath, bench.product.command] },
  );
  let host: ChildProcess | null = null;
  try {
    await fleet.up();
    await fleet.withHost((client) => conversation(client, names, 'before').said(names, () => 'ready'));
    const times: Adoption[] = [];
    for (let time = 0; time < counts.times; time += 1) {
      bench.say(`adoption: ${counts.runs} runs, ${time + 1} of ${counts.times}`);
      const before = await runsOf(fleet);
      await fleet.killHost();
      const begun = performance.now();
      host = startHost(bench, fleet);
      times.push(await adopted(fleet, names, begun, `time-${time}`));
      const after = await runsOf(fleet);
      if (before !== after) throw new Error(`not the same runs: ${before} before, ${after} after`);
    }
    await fleet.ok('down');
    if (host !== null && host.exitCode === null) await once(host, 'exit');
    return rows(times, counts.runs);
  } finally {
    await fleet.close();
  }
}

/** Who is in which run. */
async function runsOf(fleet: LiveFleet): Promise<string> {
  const agents = await fleet.withHost((client) => client.call('agents'));
  return agents
    .map(({ name, run }) => `${name}=${run}`)
    .sort()
    .join(' ');
}

/** As the product itself starts one in the background. */
function startHost(bench: Bench, fleet: LiveFleet): ChildProcess {
  const args = [
    join(bench.product.dist, 'host', 'cli', 'main.js'),
    'host',
    '--state',
    fleet.stateDir,
    '--file',
    fleet.configFile,
  ];
  return spawn(process.execPath, args, {
    cwd: fleet.stateDir,
    env: { PATH: process.env.PATH ?? '', ...fleet.env },
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

async function adopted(fleet: LiveFleet, names: string[], begun: number, mark: string): Promise<Adoption> {
  const client = await answering(fleet, begun);
  try {
    const answers = performance.now() - begun;
    const { said } = conversation(client, names, mark);
    await Promise.all(names.map((name) => client.call('inject', { agent: name, text: mark })));
    await said(names, () => `heard ${mark}`);
    const runs = performance.now() - begun;
    await Promise.all(
      names.map((name) => client.call('inject', { agent: name, text: toolCall(name, mark) })),
    );
    await said(names, (name) => `"text":"${mark} of ${name}"`);
    return { answers, runs, tools: performance.now() - begun };
  } finally {
    client.close();
  }
}

/** Stores a memory; the answer holds its text. */
function toolCall(name: string, mark: string): string {
  return JSON.stringify({
    jsonrpc: '2.0',
    id: mark,
    method: 'tools/call',
    params: {
      name: 'aether_memory_store',
      arguments: { text: `${mark} of ${name}`, key: 'mark' },
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1' },
        'io.modelcontextprotocol/clientCapabilities': {},
      },
    },
  });
}

async function answering(fleet: LiveFleet, begun: number): Promise<ControlClient> {
  for (;;) {
    try {
      return await fleet.connect();
    } catch (error) {
      if (!(error instanceof AetherError && error.code === 'host.absent')) throw error;
      if (performance.now() - begun > LIMIT_MS) throw error;
      await sleep(LOOK_AGAIN_MS);
    }
  }
}

/** Watches the terminal of every agent from now on; `said` waits until each shows its text. */
function conversation(client: ControlClient, names: string[], mark: string) {
  const screens = new Map(names.map((name) => [name, '']));
  let changed = (): void => undefined;
  let failure: unknown = null;
  for (const name of names) {
    void (async () => {
      const stream: AsyncIterable<TerminalItem> = client.stream('attach', { agent: name });
      for await (const item of stream) {
        if (item.kind !== 'screen' && item.kind !== 'chunk') continue;
        const text = Buffer.from(item.data, 'base64').toString('latin1');
        // A line of the terminal may be broken anywhere; nothing that is looked for holds a newline.
        screens.set(name, screens.get(name)! + text.replace(/[\r\n]/g, ''));
        changed();
      }
    })().catch((error: unknown) => {
      failure = error;
      changed();
    });
  }
  return {
    said(of: string[], text: (name: string) => string): Promise<void> {
      return new Promise((resolve, reject) => {
        const late = setTimeout(() => {
          const silent = of.filter((name) => !screens.get(name)!.includes(text(name)));
          reject(new Error(`${mark}: not within ${LIMIT_MS} ms: ${silent.join(', ')}`));
        }, LIMIT_MS);
        changed = () => {
          if (failure === null && !of.every((name) => screens.get(name)!.includes(text(name)))) return;
          clearTimeout(late);
          changed = () => undefined;
          if (failure === null) resolve();
          else reject(failure);
        };
        changed();
      });
    },
  };
}

function rows(times: Adoption[], runs: number): Row[] {
  const row = (what: string, key: keyof Adoption, target: Row['target']): Row => ({
    section: `6. Adoption of ${runs} runs after the host was killed, from the exec of the new one`,
    what,
    unit: 'ms',
    aether: median(times.map((time) => time[key])),
    reference: null,
    ratio: null,
    target,
    note: times.map((time) => time[key].toFixed(0)).join(' '),
  });
  return [
    row('until its control socket answers', 'answers', null),
    row('until a write and a read on each run', 'runs', { of: 'value', at_most: 1_000 }),
    row('until a tool call of each run was answered', 'tools', null),
  ];
}
