/**
 * `npm run bench`: the figures the product promises, each beside what it is held against, in one run.
 *
 *   node main.ts [--quick] [--only SECTION]… [--json] [--root DIR] [FILE]
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ensureInstalled } from '../../src/build/install.mjs';
import { messageOf } from '../../src/host/errors.ts';
import { type Bench, findProduct, versionOf } from './bench.ts';
import { type Machine, machine } from './machine.ts';
import { meets, type Row, summary, table } from './report.ts';
import { sections } from './sections.ts';

const USAGE = `node tests/bench/main.ts [--quick] [--only ${sections.map(({ name }) => name).join('|')}]… [--json] [--root DIR] [FILE]
  --quick  fewer repetitions      --only   one section, may be repeated
  --json   figures on stdout      --root   another build, laid out like this checkout
  FILE     conversations in the form of LoCoMo, for --only retrieval`;

function options() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      smoke: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      root: { type: 'string' },
    },
  });
  const unknown = values.only.find((name) => !sections.some((section) => section.name === name));
  if (unknown !== undefined) throw new Error(`there is no section ${unknown}`);
  if (positionals.length > 1) throw new Error('more than one FILE');
  if (values.only.includes('retrieval') && positionals.length === 0) {
    throw new Error('the section retrieval needs FILE');
  }
  return { ...values, file: positionals[0] ?? null };
}

interface Failure {
  section: string;
  error: string;
}

interface Facts {
  before: Machine;
  after: Machine;
}

/** A section that fails takes nothing from the others. */
async function measure(bench: Bench, only: readonly string[]): Promise<{ rows: Row[]; failures: Failure[] }> {
  const rows: Row[] = [];
  const failures: Failure[] = [];
  for (const section of sections) {
    if (only.length > 0 && !only.includes(section.name)) continue;
    bench.say(section.title);
    try {
      rows.push(...(await section.run(bench)));
    } catch (error) {
      bench.say(`${section.name} failed`);
      failures.push({ section: section.name, error: messageOf(error) });
    }
  }
  return { rows, failures };
}

function forPeople(bench: Bench, rows: readonly Row[], { before, after }: Facts): string {
  return [
    `Aether ${versionOf(bench.product)} on Node ${before.node}, ${before.kernel}, ${before.cores} × ${before.cpu}, ${before.memory_MB} MB`,
    `Load average ${before.load} before, ${after.load} after; ${bench.scale} run. A ratio is the median over neighbouring pairs.`,
    ...(before.load > before.cores ? ['Others were at work here: trust no absolute figure.'] : []),
    '',
    table(rows),
    '',
    summary(rows),
    '',
  ].join('\n');
}

function forPrograms(bench: Bench, rows: readonly Row[], failures: Failure[], facts: Facts): string {
  const report = {
    version: versionOf(bench.product),
    scale: bench.scale,
    machine: { ...facts.before, loadAfter: facts.after.load },
    rows: rows.map((row) => ({ ...row, met: meets(row) })),
    failures,
  };
  return `${JSON.stringify(report, null, 2)}\n`;
}

async function main(): Promise<void> {
  const { quick, smoke, json, only, root, file } = options();
  await ensureInstalled(fileURLToPath(new URL('../engines', import.meta.url)), 'Installing the engines');
  const bench: Bench = {
    product: findProduct(root),
    scale: smoke ? 'smoke' : quick ? 'quick' : 'full',
    file,
    say: (line) => process.stderr.write(`▸ ${line}\n`),
  };
  const before = machine();
  const { rows, failures } = await measure(bench, only);
  const facts = { before, after: machine() };
  process.stdout.write(json ? forPrograms(bench, rows, failures, facts) : forPeople(bench, rows, facts));
  for (const { section, error } of failures) process.stderr.write(`${section} failed: ${error}\n`);
  if (failures.length > 0) process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n\n${USAGE}\n`);
  process.exitCode = 2;
}
