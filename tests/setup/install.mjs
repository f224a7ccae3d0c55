/**
 * Installs what testing needs: this checkout, the real engines and peers (tests/engines), and Debian packages
 * where this is root on Debian. What it may not install it names, loudly: those tests cannot run here.
 */
import { join } from 'node:path';
import { root } from '../../src/build/build.mjs';
import { ensureInstalled } from '../../src/build/install.mjs';
import { mustRun, run, say, step } from '../../src/build/progress.mjs';
import { isDebian, isRoot, missingNeeds, testsThatNeed } from './needs.mjs';

/** @returns what is still missing: the tests that need it are left out, and counted as skipped. */
export async function installForTests() {
  await ensureInstalled(root, 'Installing what Aether needs to run');
  await ensureInstalled(
    join(root, 'tests', 'engines'),
    'Installing the real engines and peers for the tests',
  );
  if (missingNeeds().length > 0 && isDebian() && isRoot()) await installDebian();
  const missing = missingNeeds();
  for (const need of missing) {
    loudly([
      `${need.name} is not installed here, so this CANNOT BE TESTED: ${need.what}.`,
      isDebian() ? `Mend: sudo apt-get install ${need.debian.join(' ')}` : `Mend: ${need.elsewhere}`,
      ...testsThatNeed([need], root).map((file) => `  not run: ${file}`),
    ]);
  }
  return missing;
}

async function installDebian() {
  const packages = missingNeeds().flatMap((need) => need.debian);
  const quiet = {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'ignore', 'inherit'],
  };
  try {
    await step(`Installing Debian packages: ${packages.join(', ')}`, async () => {
      // Unknown to apt: its lists were never fetched here.
      const known = await run('apt-cache', ['show', ...packages], { stdio: 'ignore' });
      if (known !== 0) await mustRun('apt-get', ['update', '-qq'], quiet);
      await mustRun('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], quiet);
    });
  } catch (error) {
    say(`  ${error.message}`);
  }
}

function loudly(lines) {
  const rule = '!'.repeat(78);
  say(['', rule, ...lines.map((line) => `!!  ${line}`), rule, ''].join('\n'));
}
