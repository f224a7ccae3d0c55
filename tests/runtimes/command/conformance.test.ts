/** Any program in a terminal passes what of the suite needs no structured channel. */
import { commandRuntime } from '../../../src/runtimes/command/runtime.ts';
import { terminalRuntimeConformance } from '../../conformance/runtime.ts';

const TOKEN = 'bot-token-0123456789-0123456789';

terminalRuntimeConformance(
  'command',
  async () => ({
    runtime: commandRuntime,
    agent: { options: { command: ['/bin/sh', '-c', 'sleep 600'] }, auth: { BOT_TOKEN: TOKEN } },
    secrets: [TOKEN],
    canLogIn: {},
    cannotLogIn: null,
    script: (text) => ({ runtime: 'command', command: ['/bin/sh', '-c', text] }),
    close: async () => undefined,
  }),
  commandRuntime.capabilities,
);
