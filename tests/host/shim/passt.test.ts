/** `network: full` with passt, on a made-up internet of two network namespaces: raw TCP and UDP, and what stays shut. */
import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { findPasst } from '../../../src/host/sandboxes/passt.ts';

const RIG = resolve(import.meta.dirname, '../../fixtures/programs/direct-network.ts');
const passt = findPasst();
// Namespaces of the machine that the rig stands for take root.
const able = typeof passt === 'string' && process.getuid!() === 0;
if (!able) console.warn(`passt is not tested here: ${typeof passt === 'string' ? 'not root' : passt.what}`);

test.runIf(able)(
  'passt leads to public addresses, and nowhere else',
  async () => {
    const args = ['--net', '--', process.execPath, '--no-warnings', join(RIG)];
    const { stdout } = await promisify(execFile)('unshare', args, { timeout: 60_000 });
    const { said, killed, survivors } = JSON.parse(stdout.trim().split('\n').at(-1)!);
    expect({ killed, survivors }).toEqual({ killed: 0, survivors: 0 });
    expect(said['dial 11.0.0.2 5432']).toBe('the peer says hello');
    expect(said['ask 11.0.0.2 53']).toBe('the peer heard a question');
    // This machine by its loopback, by the gateway and by its own address; private networks; metadata.
    const shut = Object.entries(said as Record<string, string>).filter(
      ([what]) => !what.includes('11.0.0.2'),
    );
    expect(shut).toHaveLength(8);
    for (const [what, answer] of shut)
      expect([what, answer]).toEqual([what, expect.not.stringContaining('hello')]);
    expect(said['dial 169.254.169.254 80']).toMatch(/EHOSTUNREACH|ENETUNREACH/);
    expect(said['takes a route away']).toBe('refused');
  },
  90_000,
);
