/** What the tests need from the machine itself, besides Node packages. */
import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * `what` cannot be tested without it: test files that are one of `support`, or mention one, are then left out. `debian`:
 * package names. `elsewhere`: how people get it on other systems.
 */
export const needs = [
  {
    name: 'chromium',
    // The headless shell is the same engine without the window: less than half the processor time.
    programs: ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome'],
    debian: ['chromium-headless-shell'],
    what: 'the console in a real browser',
    support: ['support/browser.ts'],
    elsewhere:
      'macOS: brew install --cask chromium · Fedora: dnf install chromium · Arch: pacman -S chromium',
  },
  {
    name: 'bubblewrap',
    programs: ['bwrap'],
    debian: ['bubblewrap'],
    what: 'the contract of sandboxes, in one that confines',
    support: [
      'support/small-box.ts',
      'sandboxes/bubblewrap.ts',
      '/usr/bin/bwrap',
      ...['sandbox', 'network', 'engine-wall'].map((name) => `e2e/${name}.test.ts`),
    ],
    elsewhere: 'Fedora: dnf install bubblewrap · Arch: pacman -S bubblewrap · macOS: there is none',
  },
  {
    name: 'passt',
    programs: ['pasta'],
    debian: ['passt'],
    what: 'a network of its own with raw TCP and UDP',
    support: ['programs/direct-network.ts'],
    elsewhere: 'Fedora: dnf install passt · Arch: pacman -S passt · macOS: there is none',
  },
  ...['vim', 'less', 'htop', 'tmux'].map((name) => ({
    name,
    programs: [name],
    debian: [name],
    what: 'a full-screen program whose screen comes back',
    support: ['e2e/full-screen.test.ts'],
    elsewhere: `macOS: brew install ${name} · Fedora: dnf install ${name} · Arch: pacman -S ${name}`,
  })),
];

/** Test files (relative to `root`) that cannot run without these. */
export function testsThatNeed(missing, root) {
  return readdirSync(join(root, 'tests'), { recursive: true })
    .filter((file) => file.endsWith('.test.ts') && !file.includes('node_modules'))
    .filter((file) => {
      const source = readFileSync(join(root, 'tests', file), 'utf8');
      return missing.some(({ support }) => support.some((mark) => file === mark || source.includes(mark)));
    })
    .map((file) => `tests/${file}`);
}

export function isDebian() {
  return existsSync('/etc/debian_version') && hasProgram('apt-get');
}

export function isRoot() {
  return process.getuid?.() === 0;
}

export function hasProgram(name) {
  return (process.env.PATH ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, name), constants.X_OK);
      return true;
    } catch {
      return false; // not in this directory
    }
  });
}

export function missingNeeds() {
  return needs.filter((need) => !need.programs.some(hasProgram));
}
