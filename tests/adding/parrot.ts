/** A tiny runtime as a contributor would write it: an engine on pipes, and a terminal that stands beside it. */
import type { Scratch } from './scratch.ts';

const DEFINITION = `/** \`runtime: parrot\`: says what it is told. */
import { z } from 'zod';
import type { RuntimeDefinition } from '../definition.ts';

export const parrot: RuntimeDefinition = {
  name: 'parrot',
  about: 'says what it is told',
  config: {
    keys: {
      greeting: {
        schema: z.string().min(1).meta({ description: 'runtime: parrot only. What it says first.', examples: ['hello'] }),
        waits: 'decides what it says first',
      },
    },
    modelForms: null,
    check: ({ where, get }) =>
      get('greeting') === 'silence'
        ? [{ code: 'greeting', key: 'greeting', message: \`\${where}.greeting says nothing.\`, next: 'Say something.' }]
        : [],
    options: ({ get }) => ({ greeting: get('greeting') ?? 'hello' }),
    resolve: (options) => options,
    execTexts: () => [],
    login: {
      providers: {},
      misfit: (_auth, _model, where) => ({ message: \`\${where}.auth has no effect.\`, next: 'Remove it.' }),
      variable: () => null,
      usual: () => null,
      missing: () => null,
      address: () => null,
    },
  },
  init: null,
  load: async () => (await import('./runtime.ts')).parrotRuntime,
};
`;

const RUNTIME = `/** A loop of the shell: each line in is a line out, and a turn. */
import type { EngineState, Runtime } from '../runtime.ts';

export const parrotRuntime: Runtime = {
  name: 'parrot',
  capabilities: {
    engine: 'structured',
    takeover: 'beside',
    receipts: 'acted',
    resume: false,
  },
  detect: async () => ({
    runtime: 'parrot',
    usable: true,
    binary: '/bin/sh',
    version: '1.0.0',
    canLogIn: true,
    model: false,
    missing: [],
  }),
  prepare: async (agent, place) => ({
    process: {
      role: 'engine',
      argv: ['/bin/sh', '-c', 'while read -r line; do echo "$line"; done'],
      env: { PATH: place.path, HOME: place.agentDir },
      cwd: agent.workspace,
      io: { kind: 'pipes', stdio: 'socketpair' },
    },
    secretEnv: [],
    files: [],
    uses: { read: [], write: [place.agentDir] },
    stop: { close_stdin_ms: 1_000, term_ms: 1_000, kill_ms: 2_000 },
    authNote: 'none',
    opening: [{ id: 'greeting', data: \`\${agent.options.greeting}\\n\` }],
  }),
  terminal: async (agent, place, _state, size) => ({
    process: {
      role: 'terminal',
      argv: ['/bin/sh', '-c', 'echo at your service; while read -r line; do echo "heard $line"; done'],
      env: { PATH: place.path, HOME: place.agentDir },
      cwd: agent.workspace,
      io: { kind: 'pty', ...size },
    },
    secretEnv: [],
    files: [],
    uses: { read: [], write: [place.agentDir] },
    stop: { term_ms: 1_000, kill_ms: 2_000 },
    authNote: 'none',
    opening: [],
  }),
  observer: {
    initial: (session): EngineState => ({ session }),
    line: (state, source, text) => ({
      state,
      events:
        source === 'err'
          ? []
          : [
              { kind: 'ready' },
              { kind: 'message', role: 'assistant', text },
              { kind: 'turn-ended', outcome: 'done' },
              { kind: 'activity', activity: 'idle', evidence: 'it said its line' },
            ],
    }),
  },
  message: ({ id, text }) => ({ id, data: \`\${text}\\n\` }),
};
`;

/** Its folder, and its name in the list. */
export function addParrot(scratch: Scratch): void {
  scratch.write('src/runtimes/parrot/definition.ts', DEFINITION);
  scratch.write('src/runtimes/parrot/runtime.ts', RUNTIME);
  scratch.edit(
    'src/runtimes/installed.ts',
    "import type { RuntimeDefinition } from './definition.ts';\n",
    "import type { RuntimeDefinition } from './definition.ts';\nimport { parrot } from './parrot/definition.ts';\n",
  );
  scratch.edit('src/runtimes/installed.ts', 'command];', 'command, parrot];');
  scratch.generate();
}
