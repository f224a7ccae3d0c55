/**
 * Installs what testing needs: this checkout, the real engines and peers (tests/engines), and Debian packages
 * where this is root on Debian. What it may not install it names, loudly: those tests cannot run here.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../src/host/cli/checkout/build.mjs';
import { ensureInstalled } from '../../src/host/cli/checkout/install.mjs';
import { mustRun, say, step } from '../../src/host/cli/checkout/progress.mjs';
import { isDebian, isRoot, missingNeeds } from './needs.mjs';

/** @returns names of what is still missing: tests that need it are skipped, and counted as skipped. */
export async function installForTests() {
  await ensureInstalled(root, 'Installing what running needs');
  const without = [];
  try {
    await ensureInstalled(
      join(root, 'tests', 'engines'),
      'Installing the real engines and peers for the tests',
    );
  } catch (error) {
    without.push('engines');
    loudly([
      'The real engines (Claude Code and MCP peers) could not be installed:',
      `  ${error.message}`,
      'Tests with them CANNOT RUN. Mend: cd tests/engines && npm ci',
    ]);
  }
  if (missingNeeds().length > 0 && isDebian() && isRoot()) await installDebian();
  for (const need of missingNeeds()) {
    without.push(need.name);
    loudly([
      `${need.name} is not installed here, so this CANNOT BE TESTED: ${need.what}.`,
      isDebian() ? `Mend: sudo apt-get install ${need.debian.join(' ')}` : `Mend: ${need.elsewhere}`,
    ]);
  }
  return without;
}

async function installDebian() {
  const packages = missingNeeds().flatMap((need) => need.debian);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = ['install', '-y', '-qq', '--no-install-recommends', ...packages];
  try {
    await step(`Installing Debian packages: ${packages.join(', ')}`, async () => {
      const quiet = { env, stdio: ['ignore', 'ignore', 'inherit'] };
      if (!existsSync('/var/lib/apt/lists/lock') || (await aptIsStale()))
        await mustRun('apt-get', ['update', '-qq'], quiet);
      await mustRun('apt-get', install, quiet);
    });
  } catch (error) {
    say(`  ${error.message}`);
  }
}

/** A package that apt does not know means that its lists were never fetched, or are from another time. */
async function aptIsStale() {
  const { run } = await import('../../src/host/cli/checkout/progress.mjs');
  const names = missingNeeds().flatMap((need) => need.debian);
  return (await run('apt-cache', ['show', ...names], { stdio: 'ignore' })) !== 0;
}

function loudly(lines) {
  const rule = '!'.repeat(78);
  say(['', rule, ...lines.map((line) => `!!  ${line}`), rule, ''].join('\n'));
}
