/**
 * `npm test`: installs what testing needs, checks the sources, builds, runs the whole suite, and ends with one
 * plain line of figures. Everything is run even when something before it failed, so one run tells everything.
 * Arguments are passed on to the test runner.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, root, toolEnvironment } from '../../src/build/build.mjs';
import { mustRun, run, say, step } from '../../src/build/progress.mjs';
import { installForTests } from './install.mjs';
import { testsThatNeed } from './needs.mjs';

const bin = (name) => join(root, 'node_modules', '.bin', name);

/** Each counts as one test in the closing line. */
const CHECKS = [
  // One thread: several look at much of the same again, and are no sooner done on two cores.
  ['Types', () => tool('tsc', '-p', 'tsconfig.json', '--singleThreaded')],
  ['Types of the browser code', () => tool('tsc', '-p', 'src/console/web/tsconfig.json', '--singleThreaded')],
  ['Lint and format', () => tool('biome', 'check', '.')],
  ['Dead code', () => tool('knip')],
  ['Build', build],
];

function tool(name, ...args) {
  return mustRun(bin(name), args, { cwd: root, env: toolEnvironment() });
}

async function main() {
  const total = { passed: 0, failed: 0, skipped: 0 };
  const failures = [];
  let missing;
  try {
    missing = await installForTests();
  } catch (error) {
    say(error.message);
    return finish({ ...total, failed: 1 }, ['Installation']);
  }
  for (const [title, check] of CHECKS) {
    try {
      await step(title, check);
      total.passed += 1;
    } catch (error) {
      say(`  ${error.message}`);
      total.failed += 1;
      failures.push(title);
    }
  }
  const suite = await runSuite(testsThatNeed(missing, root));
  total.passed += suite.passed;
  total.failed += suite.failed;
  total.skipped += suite.skipped;
  if (suite.failed > 0) failures.push('Tests');
  return finish(total, failures);
}

async function runSuite(leftOut) {
  const directory = mkdtempSync(join(tmpdir(), 'aether-test-'));
  const report = join(directory, 'report.json');
  say('▸ Tests');
  try {
    const code = await runner(directory, [
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
      ...leftOut.map((file) => `--exclude=${file}`),
      ...process.argv.slice(2),
    ]);
    const result = figures(report, code);
    // How many tests are in them is not known without running them: each file counts as one.
    return { ...result, skipped: result.skipped + leftOut.length };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** @param directory where it writes its report */
async function runner(directory, args) {
  const env = { ...toolEnvironment(), NODE_COMPILE_CACHE: join(tmpdir(), 'aether-compiled') };
  if (process.env.AETHER_TEST_USER !== '1' || process.getuid() !== 0)
    return run(bin('vitest'), args, { cwd: root, env });
  const { chownToUser, noOrdinaryUser, runAsUser } = await import('../support/ordinary-user.ts');
  const impossible = noOrdinaryUser();
  if (impossible !== null) throw new Error(impossible);
  chownToUser(directory);
  const main = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  // Otherwise it writes beside its configuration.
  const own = ['--configLoader=native', `--root=${root}`];
  // Its home is its own, and what root compiled is not for it to write.
  const { HOME: _HOME, NODE_COMPILE_CACHE: _COMPILED, ...others } = env;
  const { code } = await runAsUser({ main, args: [...args, ...own], env: others });
  return code;
}

/** A runner that fails without a failed test (a file that does not load, an unhandled error) is a failure too. */
function figures(report, code) {
  let result;
  try {
    result = JSON.parse(readFileSync(report, 'utf8'));
  } catch (error) {
    say(`The test runner left no report (exit code ${code}): ${error.message}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const broken = result.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((one) => one.status === 'failed'),
  ).length;
  const failed = result.numFailedTests + broken;
  return {
    passed: result.numPassedTests,
    failed: failed === 0 && code !== 0 ? 1 : failed,
    skipped: result.numPendingTests + result.numTodoTests,
  };
}

function finish({ passed, failed, skipped }, failures) {
  if (failures.length > 0) say(`Failed: ${failures.join(', ')}`);
  say(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  process.exitCode = failed === 0 ? 0 : 1;
}

await main();
