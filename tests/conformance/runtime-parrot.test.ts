/**
 * The engine that is the example of how to add one passes the suite with what it declares, which is another kind than the
 * rest: it asks nothing, a message cancels its turn or waits for its end, and no run continues the conversation of another.
 */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parrotOf } from '../fixtures/parrot/runtime.ts';
import { eventually } from '../support/eventually.ts';
import { runtimeConformance } from './runtime.ts';

const DIRECTORY = fileURLToPath(new URL('../fixtures/parrot', import.meta.url));

for (const second of ['cancels', 'queued'] as const) {
  const runtime = parrotOf(second);
  const setup = async () => {
    const dir = fs.mkdtempSync(join(tmpdir(), 'aether-told-'));
    const told = join(dir, 'told');
    fs.writeFileSync(told, '');
    const read = () => fs.readFileSync(told, 'utf8');
    const PATH = `${DIRECTORY}:${process.env.PATH}`;
    return {
      runtime,
      agent: { env: { PATH, PARROT_TOLD: told } },
      secrets: [],
      canLogIn: { PATH },
      cannotLogIn: null,
      write: [dir],
      echoTool: 'aether_echo',
      shell: (command: string) => `[[call shell ${JSON.stringify({ command })}]]`,
      shellTool: 'shell',
      modelSaw: async (text: string, deadline_ms?: number) => {
        await eventually(`the engine was told "${text}"`, () => read().includes(text), deadline_ms);
      },
      lastRequest: read,
      terminalReady: 'at your service',
      close: async () => fs.rmSync(dir, { recursive: true, force: true }),
    };
  };
  runtimeConformance(`parrot, ${second}`, setup, runtime.capabilities);
}
