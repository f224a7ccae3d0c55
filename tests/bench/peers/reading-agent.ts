/**
 * An agent of a real host, as the host sees it: a process inside a run, known by its descent. It stores memories
 * and lets a fresh client read them through the run's own bridge, in turns with a fresh client of a bare echo server,
 * and leaves the times in a file. Measured here, because only a process of the run is let in.
 *
 *   node reading-agent.ts PLAN RESULT
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { alone } from '../alone.ts';
import { atOnce, type Era, RawClient } from '../raw-client.ts';

export interface ReadingPlan {
  /** argv of the reference. */
  bare: string[];
  eras: Era[];
  memories: number;
  warm: number;
  rounds: number;
  perRound: number;
}

export type ReadingResult = Record<Era, { aether: number[][]; bare: number[][] }> | { failed: string };

/** Both sides answer with this much. */
const TEXT =
  'The ferry to Holmsund leaves from pier nine at a quarter past six; buy the ticket on board. On market days a ' +
  'second boat leaves at eight, and the last one back is at ten in the evening.';

async function measure(plan: ReadingPlan, era: Era): Promise<{ aether: number[][]; bare: number[][] }> {
  const bridge = [process.env.AETHER_MCP_COMMAND!];
  await store(bridge, era, plan.memories);
  const { warm, perRound: calls } = plan;
  const times: { aether: number[][]; bare: number[][] } = { aether: [], bare: [] };
  for (let round = 0; round < plan.rounds; round += 1) {
    const read = { era, argv: bridge, tool: 'aether_memory_get', args: {}, keys: plan.memories, warm, calls };
    times.aether.push((await alone(read)).latency);
    const echo = { era, argv: plan.bare, tool: 'echo', args: { text: TEXT }, warm, calls };
    times.bare.push((await alone(echo)).latency);
  }
  return times;
}

/** Under the same keys again in the second era: there are `count` in the end. */
async function store(bridge: string[], era: Era, count: number): Promise<void> {
  const client = new RawClient(bridge, era);
  let next = 0;
  try {
    await client.open();
    await atOnce(count, 8, () => {
      const key = `key-${next}`;
      next += 1;
      return client.call('aether_memory_store', { key, text: TEXT, tags: ['bench'] });
    });
  } finally {
    await client.close();
  }
}

const [, , planFile, resultFile] = process.argv;
let result: ReadingResult;
try {
  const plan = JSON.parse(readFileSync(planFile!, 'utf8')) as ReadingPlan;
  const times: Partial<Record<Era, { aether: number[][]; bare: number[][] }>> = {};
  for (const era of plan.eras) times[era] = await measure(plan, era);
  result = times as ReadingResult;
} catch (error) {
  result = { failed: error instanceof Error ? error.message : String(error) };
}
writeFileSync(`${resultFile}.new`, JSON.stringify(result));
renameSync(`${resultFile}.new`, resultFile!);
