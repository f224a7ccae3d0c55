/** The contract of the verbs, held by the real host and by the double of the console's tests. */
import { consoleFixture } from '../../support/console-client.ts';
import { LiveFleet } from '../../support/live-fleet.ts';
import { type Subject, verbContract } from './contract.ts';

verbContract('the double', async (): Promise<Subject> => {
  const fixture = await consoleFixture();
  fixture.host.set('worker', {});
  fixture.host.terminal('shell').run('run_shell', ['/bin/cat'], { cols: 80, rows: 24 });
  fixture.host.set('shell', {
    runtime: 'command',
    terminal: { available: true, cols: 80, rows: 24, kind: 'engine' },
  });
  return { link: async () => fixture.console.loginLink(), close: () => fixture.close() };
});

verbContract('the host', async (): Promise<Subject> => {
  const fleet = await LiveFleet.make({ agents: {} });
  fleet.configure({
    agents: {
      worker: {
        runtime: 'builtin',
        model: 'anthropic:scripted',
        auth: 'ANTHROPIC_API_KEY',
        env: { ANTHROPIC_BASE_URL: fleet.model.url },
        goal: 'Begin. [[say begun]]',
      },
      shell: { runtime: 'command', command: ['/bin/cat'] },
    },
  });
  await fleet.up();
  await fleet.turns('worker', 1);
  return { link: async () => (await fleet.ok('console')).trim(), close: () => fleet.close() };
});
