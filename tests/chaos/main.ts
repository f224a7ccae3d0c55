/**
 * `npm run chaos`: a fleet is maltreated by a schedule that a seed draws, and must come to no harm.
 *
 *   node main.ts [--minutes N] [--seed S] [--agents N] [--talkers N] [--kills N] [--no-cgroup] [--root DIR] [--json]
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ensureInstalled } from '../../src/host/cli/checkout/install.mjs';
import { explain, runChaos } from './chaos.ts';

const USAGE = `node tests/chaos/main.ts [--minutes N] [--seed S] [--agents N] [--talkers N] [--kills N] [--no-cgroup] [--root DIR] [--json]
  --minutes    no step is begun later than this; default 5     --seed     default: a new one, printed
  --agents     default 8                                       --talkers  how many of them are Claude Code; default 2
  --kills      deaths of the host; default: as many as fit     --root     another build, laid out like this checkout
  --no-cgroup  as on a machine that grants no control groups   --json     the report on stdout`;
/** More than any machine gets through in a minute. */
const KILLS_PER_MINUTE = 60;

function options() {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '5' },
      seed: { type: 'string', default: randomBytes(4).toString('hex') },
      agents: { type: 'string', default: '8' },
      talkers: { type: 'string', default: '2' },
      kills: { type: 'string' },
      'no-cgroup': { type: 'boolean', default: false },
      root: { type: 'string', default: fileURLToPath(new URL('../../', import.meta.url)) },
      json: { type: 'boolean', default: false },
    },
  });
  const number = (name: 'minutes' | 'agents' | 'talkers' | 'kills', text: string, min: number) => {
    const value = Number(text);
    if (Number.isFinite(value) && value >= min) return value;
    throw new Error(`--${name} takes a number from ${min} on, not ${text}`);
  };
  const minutes = number('minutes', values.minutes, 0.1);
  return {
    ...values,
    minutes,
    agents: number('agents', values.agents, 3),
    talkers: number('talkers', values.talkers, 0),
    kills:
      values.kills === undefined ? Math.ceil(minutes * KILLS_PER_MINUTE) : number('kills', values.kills, 1),
  };
}

async function main(): Promise<void> {
  const { seed, minutes, agents, talkers, kills, root, json, ...rest } = options();
  await ensureInstalled(fileURLToPath(new URL('../engines', import.meta.url)), 'Installing the engines');
  process.stderr.write(`▸ seed ${seed}\n`);
  const report = await runChaos({
    seed,
    minutes,
    agents,
    talkers,
    kills,
    program: [process.execPath, join(root, 'src', 'host', 'cli', 'aether.cjs')],
    env: rest['no-cgroup'] ? { AETHER_NO_CGROUP: '1' } : {},
    say: (line) => process.stderr.write(`  ${line}\n`),
  });
  if (report.violations.length > 0) {
    process.stderr.write(`${explain(report)}\n`);
    process.exitCode = 1;
  }
  if (json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  else {
    const rows = Object.entries({ ...report.figures, ...report.counts });
    process.stdout.write(`${rows.map(([name, value]) => `${name.padEnd(18)} ${value}`).join('\n')}\n`);
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}\n`);
  process.exitCode = 1;
}
