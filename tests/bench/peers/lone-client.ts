/**
 * A client of one server, in a process of its own, as an engine is to the bridge it starts. Measured so because a
 * client of several servers in turn is no engine: which processor the kernel then puts each server on is decided by
 * the others, and the same bare server answers in a third of the time or in three times of it.
 *
 *   node lone-client.ts PLAN    (JSON: LonePlan; prints JSON: LoneResult)
 */
import { median } from '../figures.ts';
import { atOnce, type Era, oneByOne, RawClient } from '../raw-client.ts';

export interface LonePlan {
  era: Era;
  argv: string[];
  env?: Record<string, string>;
  tool: string;
  args: Record<string, unknown>;
  /** Instead of `args`: one of so many keys, key-0 and on; neighbours are not neighbours in the file. */
  keys?: number;
  warm: number;
  calls: number;
  /** Bursts of this many calls, `width` of them open at once. */
  burst?: { calls: number; width: number; times: number };
}

export interface LoneResult {
  /** Milliseconds of each call. */
  latency: number[];
  /** Calls per second, median of the bursts; null without one. */
  rate: number | null;
}

async function measure(plan: LonePlan): Promise<LoneResult> {
  const client = new RawClient(plan.argv, plan.era, plan.env);
  const { keys, burst } = plan;
  let next = 0;
  const call = () => {
    if (keys === undefined) return client.call(plan.tool, plan.args);
    next = (next + 7919) % keys;
    return client.call(plan.tool, { key: `key-${next}` });
  };
  try {
    await client.open();
    await oneByOne(plan.warm, call);
    const latency = await oneByOne(plan.calls, call);
    if (burst === undefined) return { latency, rate: null };
    const rates: number[] = [];
    for (let time = 0; time < burst.times; time += 1)
      rates.push(await atOnce(burst.calls, burst.width, call));
    return { latency, rate: median(rates) };
  } finally {
    await client.close();
  }
}

process.stdout.write(JSON.stringify(await measure(JSON.parse(process.argv[2]!) as LonePlan)));
