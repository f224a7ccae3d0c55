/**
 * `npm run bench`: the figures the product promises, each beside what it is held against, in one run.
 *
 *   node main.ts [--quick] [--only SECTION]… [--json] [--root DIR]
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ensureInstalled } from '../../src/host/cli/checkout/install.mjs';
import { type Bench, findProduct, versionOf } from './bench.ts';
import { machine } from './machine.ts';
import { meets, type Row, summary, table } from './report.ts';
import { sections } from './sections.ts';

const USAGE = `node tests/bench/main.ts [--quick] [--only ${sections.map(({ name }) => name).join('|')}]… [--json] [--root DIR]
  --quick  fewer repetitions      --only   one section, may be repeated
  --json   figures on stdout      --root   another build, laid out like this checkout`;

function options() {
  const { values } = parseArgs({
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
  return values;
}

async function main(): Promise<void> {
  const { quick, smoke, json, only, root } = options();
  await ensureInstalled(fileURLToPath(new URL('../engines', import.meta.url)), 'Installing the engines');
  const bench: Bench = {
    product: findProduct(root),
    scale: smoke ? 'smoke' : quick ? 'quick' : 'full',
    say: (line) => process.stderr.write(`▸ ${line}\n`),
  };
  const before = machine();
  const rows: Row[] = [];
  for (const section of sections) {
    if (only.length > 0 && !only.includes(section.name)) continue;
    bench.say(section.title);
    rows.push(...(await section.run(bench)));
  }
  const after = machine();
  if (json) {
    const judged = rows.map((row) => ({ ...row, met: meets(row) }));
    const facts = { ...before, loadAfter: after.load };
    process.stdout.write(
      `${JSON.stringify({ version: versionOf(bench.product), scale: bench.scale, machine: facts, rows: judged }, null, 2)}\n`,
    );
    return;
  }
  process.stdout.write(
    [
      `Aether ${versionOf(bench.product)} on Node ${before.node}, ${before.kernel}, ${before.cores} × ${before.cpu}, ${before.memory_MB} MB`,
      `Load average ${before.load} before, ${after.load} after; ${bench.scale} run. A ratio is the median over neighbouring pairs.`,
      ...(before.load > before.cores ? ['Others were at work here: trust no absolute figure.'] : []),
      '',
      table(rows),
      '',
      summary(rows),
      '',
    ].join('\n'),
  );
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}\n`);
  process.exitCode = 1;
}
