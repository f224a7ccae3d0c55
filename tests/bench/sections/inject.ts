/**
 * How long after the boundary a message is seen by the real engine's model: after it was sent, for an agent that
 * is idle; after the running tool has ended, for one that is busy. The tool itself writes down when it ends.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import type { InjectionView } from '../../../src/host/api.ts';
import { call, LiveFleet } from '../../support/live-fleet.ts';
import type { Bench, Scale } from '../bench.ts';
import { median, percentile } from '../figures.ts';
import type { Row } from '../report.ts';

const COUNTS: Record<Scale, number> = { full: 40, quick: 15, smoke: 2 };

export async function inject(bench: Bench): Promise<Row[]> {
  const count = COUNTS[bench.scale];
  const fleet = await LiveFleet.make(
    { agents: { worker: { runtime: 'claude-code', permissions: 'allow', goal: '[[say ready]]' } } },
    { program: [process.execPath, bench.product.command] },
  );
  try {
    await fleet.up();
    await fleet.turns('worker', 1);
    const idle: number[] = [];
    const busy: number[] = [];
    for (let time = 0; time < count; time += 1) {
      bench.say(`inject: ${time + 1} of ${count}`);
      idle.push(await seenWhileIdle(fleet, time));
      busy.push(await seenAfterTool(fleet, time));
    }
    return [
      row('to an idle agent: from sent to seen', idle),
      row('to a busy one: from the end of its tool to seen', busy),
    ];
  } finally {
    await fleet.close();
  }
}

async function seenWhileIdle(fleet: LiveFleet, time: number): Promise<number> {
  const receipt = await send(fleet, `Idle ${time}. [[say ok]]`);
  await settled(fleet, receipt.id, 'acted');
  return at(await settled(fleet, receipt.id, 'acted'), 'seen') - at(receipt, 'queued');
}

async function seenAfterTool(fleet: LiveFleet, time: number): Promise<number> {
  const marks = join(fleet.project, 'workspaces', 'worker', `end-${time}`);
  const command = `touch begun-${time}; sleep 0.4; date +%s%3N > end-${time}`;
  const first = await send(
    fleet,
    `Busy ${time}. ${call('Bash', { command, description: 'b' })} [[say done]]`,
  );
  await fleet.until('worker', 'its tool runs', () => fs.existsSync(marks.replace('end-', 'begun-')));
  const second = await send(fleet, `By the way ${time}.`);
  const receipt = await settled(fleet, second.id, 'acted');
  await settled(fleet, first.id, 'acted');
  await fleet.idle('worker');
  return at(receipt, 'seen') - Number(fs.readFileSync(marks, 'utf8'));
}

const send = (fleet: LiveFleet, text: string): Promise<InjectionView> =>
  fleet.withHost((host) => host.call('inject', { agent: 'worker', text }));

async function settled(
  fleet: LiveFleet,
  id: string,
  stage: 'delivered' | 'seen' | 'acted',
): Promise<InjectionView> {
  await fleet.event(`inject.${stage}`, ({ data }) => data.inject === id);
  return fleet.withHost((host) => host.call('injection', { id: id }));
}

function at(receipt: InjectionView, stage: string): number {
  const step = receipt.steps.find((one) => one.stage === stage);
  if (step === undefined) throw new Error(`${receipt.id} was never ${stage}`);
  return step.at_ms;
}

function row(what: string, samples: number[]): Row {
  return {
    section: '5. A message to Claude Code, until its model has it',
    what,
    unit: 'ms',
    aether: median(samples),
    reference: null,
    ratio: null,
    target: { of: 'value', at_most: 300 },
    note: `p90 ${percentile(samples, 90).toFixed(0)}, ${samples.length} messages`,
  };
}
