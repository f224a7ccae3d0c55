/** A real tool on a real host: `aether_memory_get` with identity, grants and audit, beside the bare echo. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from '../../support/eventually.ts';
import { LiveFleet } from '../../support/live-fleet.ts';
import type { Bench, Scale } from '../bench.ts';
import { median, pairedRatio, percentile } from '../figures.ts';
import type { ReadingPlan, ReadingResult } from '../peers/reading-agent.ts';
import type { Row } from '../report.ts';
import { BARE_SERVER } from './echo.ts';

const AGENT = fileURLToPath(new URL('../peers/reading-agent.ts', import.meta.url));
const LIMIT_MS = 300_000;

const COUNTS: Record<Scale, Pick<ReadingPlan, 'memories' | 'warm' | 'rounds' | 'perRound'>> = {
  full: { memories: 1_000, warm: 2_000, rounds: 11, perRound: 2_000 },
  quick: { memories: 1_000, warm: 1_000, rounds: 5, perRound: 1_000 },
  smoke: { memories: 10, warm: 5, rounds: 1, perRound: 5 },
};

export async function memoryGet(bench: Bench): Promise<Row[]> {
  const counts = COUNTS[bench.scale];
  const fleet = await LiveFleet.make({ agents: {} }, { program: [process.execPath, bench.product.command] });
  try {
    const planFile = join(fleet.root, 'plan.json');
    const resultFile = join(fleet.root, 'result.json');
    const plan: ReadingPlan = {
      bare: [process.execPath, BARE_SERVER],
      eras: ['modern', 'legacy'],
      ...counts,
    };
    writeFileSync(planFile, JSON.stringify(plan));
    fleet.configure({
      agents: {
        reader: {
          runtime: 'command',
          command: [process.execPath, '--no-warnings', AGENT, planFile, resultFile],
          tools: ['aether_memory_store', 'aether_memory_get'],
          restart: 'never',
        },
      },
    });
    bench.say(`memory: ${counts.memories} memories, ${counts.rounds} turns in each era`);
    await fleet.up();
    await eventually('the agent has measured', () => existsSync(resultFile), LIMIT_MS);
    const result = JSON.parse(readFileSync(resultFile, 'utf8')) as ReadingResult;
    if ('failed' in result) throw new Error(`inside the run: ${result.failed}`);
    // A figure without its audit would not be the one that was promised.
    const audited = await fleet.events({ topics: ['mcp.called'] });
    if (audited.length === 0 || audited.some(({ agent }) => agent !== 'reader')) {
      throw new Error('the calls are not in the event log as the agent’s');
    }
    return plan.eras.map((era): Row => {
      const { aether, bare } = result[era];
      return {
        section: '2. A real tool: aether_memory_get on a real host',
        what: `aether_memory_get by an agent, median, ${era}`,
        unit: 'ms',
        aether: median(aether.flat()),
        reference: { name: 'echo of the bare SDK server', value: median(bare.flat()) },
        ratio: pairedRatio(aether.map(median), bare.map(median)),
        target: { of: 'ratio', at_most: 3 },
        note: `p99 ${percentile(aether.flat(), 99).toFixed(3)} ms against ${percentile(bare.flat(), 99).toFixed(3)} ms; ${counts.memories} memories, each call checked and in the event log`,
      };
    });
  } finally {
    await fleet.close();
  }
}
