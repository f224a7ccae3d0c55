/**
 * `npm run chaos`: a fleet is maltreated by a schedule that a seed draws, and must come to no harm.
 *
 *   node main.ts [--minutes N] [--seed S] [--agents N] [--talkers N] [--openclaw N] [--kills N] [common options]
 *   node main.ts --injects N [--kills N] [--seed S] [--agents N] [common options]
 *
 * common options: [--sandbox none|bubblewrap] [--user] [--no-cgroup] [--root DIR] [--json]
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureInstalled } from '../../src/build/install.mjs';
import { whyNoBox } from '../support/box.ts';
import { isRoot, noOrdinaryUser, runAsUser } from '../support/ordinary-user.ts';
import { optionsOf } from '../support/program-options.ts';
import { explain, runChaos } from './chaos.ts';
import { explainInjects, runInjects } from './injects.ts';
import type { Confinement } from './world.ts';

const USAGE = `node tests/chaos/main.ts [--minutes N] [--seed S] [--agents N] [--talkers N] [--openclaw N] [--kills N]
           [--sandbox none|bubblewrap] [--user] [--no-cgroup] [--root DIR] [--json]
  --minutes    no step is begun later than this; default 5     --seed     default: a new one, printed
  --agents     default 8                                       --talkers  how many of them are Claude Code; default 2
  --openclaw   how many more of them are OpenClaw, whose gateways but the first are killed as well; default 0
  --kills      deaths of the host; default: as many as fit     --root     another build, laid out like this checkout
  --sandbox    of the agents; default none                     --user     as an ordinary user, where this is root
  --no-cgroup  as on a machine that grants no control groups   --json     the report on stdout
node tests/chaos/main.ts --injects N [--kills N] [--agents N] ...
  --injects    so many messages to agents of Claude Code (default 5) while the host dies so often (default 20)`;
/** More than any machine gets through in a minute. */
const KILLS_PER_MINUTE = 60;

const values = optionsOf(USAGE, {
  minutes: { type: 'string' },
  seed: { type: 'string', default: randomBytes(4).toString('hex') },
  agents: { type: 'string' },
  talkers: { type: 'string' },
  openclaw: { type: 'string' },
  kills: { type: 'string' },
  injects: { type: 'string' },
  sandbox: { type: 'string', default: 'none' },
  user: { type: 'boolean', default: false },
  'no-cgroup': { type: 'boolean', default: false },
  root: { type: 'string', default: fileURLToPath(new URL('../../', import.meta.url)) },
  json: { type: 'boolean', default: false },
});

function number(
  name: 'minutes' | 'agents' | 'talkers' | 'openclaw' | 'kills' | 'injects',
  fallback: number,
  min: number,
) {
  const value = Number(values[name] ?? fallback);
  if (Number.isFinite(value) && value >= min) return value;
  throw new Error(`--${name} takes a number from ${min} on, not ${values[name]}`);
}

interface Outcome {
  report: { violations: string[] };
  rows: Record<string, unknown>;
  explained: string;
}

async function chaos(common: Parameters<typeof runChaos>[0]): Promise<Outcome> {
  const report = await runChaos(common);
  const deathsIn = Object.entries(report.deathsIn).map(([act, times]) => [`died in ${act}`, times]);
  return {
    report,
    rows: { ...report.figures, ...report.counts, ...Object.fromEntries(deathsIn) },
    explained: explain(report),
  };
}

async function injects(common: Parameters<typeof runInjects>[0]): Promise<Outcome> {
  const report = await runInjects(common);
  return { report, rows: { ...report.figures }, explained: explainInjects(report) };
}

function confinement(): Confinement {
  const { sandbox } = values;
  if (sandbox === 'none' || sandbox === 'bubblewrap') return sandbox;
  throw new Error(`--sandbox takes none or bubblewrap, not ${sandbox}`);
}

/** The same command by a process of an ordinary user. */
async function asUser(): Promise<void> {
  const args = process.argv.slice(2).filter((word) => word !== '--user');
  const { CHAOS_DUMP } = process.env;
  const { code } = await runAsUser({
    main: fileURLToPath(import.meta.url),
    args: [...args, '--seed', values.seed],
    env: { CHAOS_DUMP },
  });
  process.exitCode = code ?? 1;
}

async function main(): Promise<void> {
  const sandbox = confinement();
  const impossible =
    (values.user ? noOrdinaryUser() : null) ?? (sandbox === 'none' ? null : await whyNoBox());
  if (impossible !== null) throw new Error(`This cannot be tried here: ${impossible}`);
  await ensureInstalled(fileURLToPath(new URL('../engines', import.meta.url)), 'Installing the engines');
  if (values.user && isRoot) return asUser();
  const common = {
    sandbox,
    seed: values.seed,
    program: [process.execPath, join(values.root, 'src', 'host', 'cli', 'aether.cjs')],
    env: values['no-cgroup'] ? { AETHER_NO_CGROUP: '1' } : ({} as Record<string, string>),
    say: (line: string) =>
      void process.stderr.write(`${performance.now().toFixed(0).padStart(8)} ms  ${line}\n`),
  };
  const minutes = number('minutes', 5, 0.1);
  const who = isRoot ? 'root' : `user ${process.getuid!()}`;
  process.stderr.write(`▸ seed ${values.seed}, as ${who}, sandbox ${sandbox}\n`);
  const { report, rows, explained } =
    values.injects === undefined
      ? await chaos({
          ...common,
          minutes,
          agents: number('agents', 8, 3),
          talkers: number('talkers', 2, 0),
          claws: number('openclaw', 0, 0),
          kills: number('kills', Math.ceil(minutes * KILLS_PER_MINUTE), 1),
        })
      : await injects({
          ...common,
          injects: number('injects', 0, 1),
          agents: number('agents', 5, 1),
          kills: number('kills', 20, 0),
        });
  if (report.violations.length > 0) {
    process.stderr.write(`${explained}\n`);
    process.exitCode = 1;
  }
  if (values.json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  else
    process.stdout.write(
      `${Object.entries(rows)
        .map(([name, value]) => `${name.padEnd(18)} ${value}`)
        .join('\n')}\n`,
    );
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}\n`);
  process.exitCode = 1;
}
