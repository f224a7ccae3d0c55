/** The real openclaw package against the scripted model. */
import { dirname, join } from 'node:path';
import { openclawRuntime } from '../../../src/runtimes/openclaw/runtime.ts';
import type { Subject } from '../../conformance/runtime-bench.ts';
import { engineProgram } from '../../support/engines.ts';
import { type ModelServer, resultsIn, saidIn, startModelServer } from '../../support/model-server/server.ts';

/** Of a real key's form; opens nothing. */
export const KEY = 'sk-ant-dummy-0123456789abcdefghijklmnopqrstuv';

export interface OpenClawSubject extends Subject {
  model: ModelServer;
}

export async function openclawSubject(): Promise<OpenClawSubject> {
  const model = await startModelServer();
  return { ...openclawSubjectOn(model), close: () => model.close() };
}

/** Whoever started the model ends it. */
export function openclawSubjectOn(model: ModelServer): OpenClawSubject {
  const bin = engineProgram('openclaw');
  const path = `${join(dirname(bin), '..', '.bin')}:${process.env.PATH ?? ''}`;
  return {
    model,
    runtime: openclawRuntime('0.0.0-test'),
    agent: {
      model: 'anthropic/scripted',
      env: { ANTHROPIC_BASE_URL: model.url },
      auth: { ANTHROPIC_API_KEY: KEY },
      options: { bin },
    },
    secrets: [KEY],
    canLogIn: { PATH: path, ANTHROPIC_API_KEY: KEY },
    cannotLogIn: { PATH: path },
    echoTool: 'aether__aether_echo',
    shell: (command) => `[[call exec ${JSON.stringify({ command })}]]`,
    shellTool: 'exec',
    modelSaw: async (text, deadline_ms = 120_000) => {
      await model.waitFor((request) => saidIn(request).includes(text), deadline_ms);
    },
    lastRequest: () => {
      const last = model.requests.findLast((request) => request.conversation !== null);
      return last === undefined ? '' : [saidIn(last), ...resultsIn(last)].join('\n');
    },
    terminalReady: 'aether',
    close: async () => undefined,
  };
}
