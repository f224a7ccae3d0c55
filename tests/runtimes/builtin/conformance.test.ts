import { runtimeConformance } from '../../conformance/runtime.ts';
import { saidIn, startModelServer } from '../../support/model-server/server.ts';
import { runtime } from './loop-process.ts';

const KEY = 'sk-ant-dummy-key-of-the-conformance-suite';

runtimeConformance(
  'builtin',
  async () => {
    const server = await startModelServer();
    return {
      runtime,
      agent: {
        model: 'anthropic:scripted',
        env: { ANTHROPIC_BASE_URL: server.url },
        auth: { ANTHROPIC_API_KEY: KEY },
      },
      secrets: [KEY],
      canLogIn: { ANTHROPIC_API_KEY: KEY },
      cannotLogIn: {},
      echoTool: 'aether_echo',
      shell: (command) => `[[call run_command ${JSON.stringify({ command })}]]`,
      shellTool: 'run_command',
      async modelSaw(text, deadline_ms) {
        await server.waitFor((request) => saidIn(request).includes(text), deadline_ms);
      },
      lastRequest: () => JSON.stringify(server.requests.at(-1)?.body),
      terminalReady: '/help, /exit',
      close: () => server.close(),
    };
  },
  runtime.capabilities,
);
