/** What the box of a run shows where the workspace is the directory of the whole fleet. */
import { expect, test } from 'vitest';
import { boxesFor } from '../../../../src/host/operations/launch/boxes.ts';
import { mountsOf, shows } from '../../../../src/host/sandboxes/mounts.ts';

test('workspace `.`: the state is hidden, what an engine uses of it is shown, aether.yaml is read-only', () => {
  const [stateDir, claude] = ['/project/.aether', '/project/.aether/agents/coder/claude'];
  const { boxes } = boxesFor({
    config: { name: 'coder', workspace: '/project', sandbox: undefined, network: undefined, ports: [] },
    choice: { kind: 'bubblewrap', why: 'it works here' },
    place: {
      ...{ run: 'r_1', runDir: `${stateDir}/runs/r_1`, path: '/usr/bin', userHome: '/home/u' },
      ...{ mcpCommand: '/sockets/r_1/aether-mcp', mcp: { command: '/usr/bin/node', args: [] } },
    },
    launch: {
      process: { argv: ['/usr/bin/claude'], env: { PATH: '/usr/bin' } },
      uses: { read: [claude], write: [`${claude}/projects`] },
    },
    host: {
      ...{ stateDir, configFile: '/project/aether.yaml', socketDir: '/sockets', programs: '/cache/programs' },
      shared: ['/project'],
    },
  } as unknown as Parameters<typeof boxesFor>[0]);
  const mounts = mountsOf(boxes[0]!);
  const how = (path: string) => mounts.find((mount) => mount.path === path)?.how;
  expect([how('/project'), how('/project/aether.yaml'), how(stateDir)]).toEqual(['write', 'read', 'hide']);
  expect([how(claude), how(`${claude}/projects`)]).toEqual(['read', 'write']);
  const seen = (path: string) => shows(mounts, path);
  expect([`${claude}/.claude.json`, `${stateDir}/aether.db`, `${stateDir}/agents/other`].map(seen)).toEqual([
    ...[true, false, false],
  ]);
});
