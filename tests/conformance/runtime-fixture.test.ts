/** The fixture engine passes the suite too: what the suite asks for is not one engine's habit. */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../support/eventually.ts';
import { FIXTURE_KEY, fixtureRuntime } from '../support/fixture-runtime.ts';
import { runtimeConformance } from './runtime.ts';

const KEY = 'fixture-key-0123456789-0123456789';

runtimeConformance(
  'fixture',
  async () => {
    const told = fs.mkdtempSync(join(tmpdir(), 'aether-told-'));
    const read = (name: string) => {
      const file = join(told, name);
      return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
    };
    return {
      runtime: fixtureRuntime,
      agent: { env: { FIXTURE_TOLD: told }, auth: { [FIXTURE_KEY]: KEY } },
      secrets: [KEY],
      canLogIn: { [FIXTURE_KEY]: KEY },
      cannotLogIn: {},
      write: [told],
      echoTool: 'aether_echo',
      shell: (command) => `[[call shell ${JSON.stringify({ command })}]]`,
      shellTool: 'shell',
      modelSaw: async (text, deadline_ms) => {
        await eventually(`the engine was told "${text}"`, () => read('heard').includes(text), deadline_ms);
      },
      lastRequest: () => read('last'),
      terminalReady: 'fixture terminal',
      close: async () => fs.rmSync(told, { recursive: true, force: true }),
    };
  },
  fixtureRuntime.capabilities,
);
