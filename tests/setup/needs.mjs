/** What the tests need from the machine itself, besides Node packages. */
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * `what` cannot be tested without it. `debian`: package names. `elsewhere`: how people get it on other systems.
 */
export const needs = [
  {
    name: 'chromium',
    programs: ['chromium', 'chromium-browser', 'google-chrome'],
    debian: ['chromium'],
    what: 'the console in a real browser',
    elsewhere:
      'macOS: brew install --cask chromium · Fedora: dnf install chromium · Arch: pacman -S chromium',
  },
  {
    name: 'git',
    programs: ['git'],
    debian: ['git'],
    what: 'workspaces under version control',
    elsewhere: 'https://git-scm.com/downloads',
  },
];

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
