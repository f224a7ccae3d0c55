/** The real claude program against the scripted model. */
import { BINARY_VARIABLE } from '../../../src/runtimes/claude-code/binary.ts';
import { claudeCodeRuntime } from '../../../src/runtimes/claude-code/runtime.ts';
import type { Subject } from '../../conformance/runtime-bench.ts';
import { CLAUDE_BRIEF, claudeBinary } from '../../support/engines.ts';
import { type ModelServer, resultsIn, saidIn, startModelServer } from '../../support/model-server/server.ts';

/** Of a real key's form; opens nothing. */
export const KEY = 'sk-ant-dummy-0123456789abcdefghijklmnopqrstuv';

export interface ClaudeSubject extends Subject {
  model: ModelServer;
}

export async function claudeSubject(): Promise<ClaudeSubject> {
  const model = await startModelServer();
  const binary = claudeBinary();
  process.env[BINARY_VARIABLE] = binary;
  const path = process.env.PATH ?? '';
  return {
    model,
    runtime: claudeCodeRuntime,
    agent: { env: { ...CLAUDE_BRIEF, ANTHROPIC_BASE_URL: model.url }, auth: { ANTHROPIC_API_KEY: KEY } },
    secrets: [KEY],
    canLogIn: { PATH: path, [BINARY_VARIABLE]: binary, ANTHROPIC_API_KEY: KEY },
    cannotLogIn: { PATH: path, [BINARY_VARIABLE]: binary },
    echoTool: 'mcp__aether__aether_echo',
    shell: (command) => `[[call Bash ${JSON.stringify({ command, description: 'a test' })}]]`,
    shellTool: 'Bash',
    modelSaw: async (text, deadline_ms) => {
      await model.waitFor((request) => saidIn(request).includes(text), deadline_ms);
    },
    lastRequest: () => {
      const last = model.requests.findLast((request) => request.conversation !== null);
      return last === undefined ? '' : [saidIn(last), ...resultsIn(last)].join('\n');
    },
    terminalReady: 'manual mode on',
    close: () => model.close(),
  };
}
