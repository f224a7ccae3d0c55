/**
 * An agent of a real host, as the host sees it: a process inside a run, known by its descent. It stores memories
 * and reads them through the run's own bridge, in turns with an echo from a bare server, and leaves the times in
 * a file. Measured here, because only a process of the run is let in.
 *
 *   node reading-agent.ts PLAN RESULT
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { atOnce, type Era, oneByOne, RawClient } from '../raw-client.ts';

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
  const aether = new RawClient([process.env.AETHER_MCP_COMMAND!], era);
  const bare = new RawClient(plan.bare, era);
  let next = 0;
  const read = () => {
    // Every key comes up, and neighbours are not neighbours in the file.
    next = (next + 7919) % plan.memories;
    return aether.call('aether_memory_get', { key: `key-${next}` });
  };
  const echo = () => bare.call('echo', { text: TEXT });
  const times: { aether: number[][]; bare: number[][] } = { aether: [], bare: [] };
  try {
    await aether.open();
    await bare.open();
    await store(aether, plan.memories);
    await atOnce(plan.warm, 8, read);
    await atOnce(plan.warm, 8, echo);
    for (let round = 0; round < plan.rounds; round += 1) {
      times.aether.push(await oneByOne(plan.perRound, read));
      times.bare.push(await oneByOne(plan.perRound, echo));
    }
  } finally {
    await Promise.all([aether.close(), bare.close()]);
  }
  return times;
}

/** Under the same keys again in the second era: there are `count` in the end. */
async function store(aether: RawClient, count: number): Promise<void> {
  let next = 0;
  await atOnce(count, 8, () => {
    const key = `key-${next}`;
    next += 1;
    return aether.call('aether_memory_store', { key, text: TEXT, tags: ['bench'] });
  });
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
