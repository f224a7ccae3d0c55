/**
 * A runtime is added as a contributor would: its folder, and its name in the list. Configuration, schema, plan,
 * doctor and a run follow from its definition.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LiveFleet } from '../support/live-fleet.ts';
import { Scratch } from './scratch.ts';

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
      misfit: (_auth, _model, where) => ({ message: \`\${where}.auth is of no use.\`, next: 'Remove it.' }),
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
    takeover: 'direct',
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
      io: { kind: 'pipes' },
    },
    secretEnv: [],
    files: [],
    stop: { close_stdin_ms: 1_000, term_ms: 1_000, kill_ms: 2_000 },
    authNote: 'none',
    opening: [{ id: 'greeting', data: \`\${agent.options.greeting}\\n\` }],
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

let scratch: Scratch;
let fleet: LiveFleet | null = null;

beforeAll(() => {
  scratch = Scratch.make();
  scratch.write('src/runtimes/parrot/definition.ts', DEFINITION);
  scratch.write('src/runtimes/parrot/runtime.ts', RUNTIME);
  scratch.edit(
    'src/runtimes/installed.ts',
    "import type { RuntimeDefinition } from './definition.ts';\n",
    "import type { RuntimeDefinition } from './definition.ts';\nimport { parrot } from './parrot/definition.ts';\n",
  );
  scratch.edit('src/runtimes/installed.ts', 'command];', 'command, parrot];');
  scratch.generate();
}, 120_000);

afterAll(async () => {
  await fleet?.close();
  scratch.remove();
}, 60_000);

test('its folder and the list are all that is written', () => {
  expect(scratch.touched()).toEqual({
    generated: ['templates/aether.schema.json'],
    written: [
      'src/runtimes/installed.ts',
      'src/runtimes/parrot/definition.ts',
      'src/runtimes/parrot/runtime.ts',
    ],
  });
});

test('types and the import law hold', () => {
  scratch.typecheck();
  scratch.test('tests/architecture/law.test.ts', 'tests/architecture/runtime-names.test.ts');
}, 300_000);

test('an agent of it is checked, planned, started, spoken to and stopped', async () => {
  const program = [process.execPath, join(scratch.directory, 'src/host/cli/main.ts')];
  fleet = await LiveFleet.make(
    { agents: { polly: { runtime: 'parrot', greeting: 'silence' } } },
    { program },
  );
  expect((await fleet.cli(['plan'])).stderr).toContain('agents.polly.greeting says nothing.');
  fleet.configure({ agents: { polly: { runtime: 'command', command: ['true'], greeting: 'hello' } } });
  expect((await fleet.cli(['plan'])).stderr).toContain('agents.polly.greeting is only for runtime parrot');

  fleet.configure({ agents: { polly: { runtime: 'parrot', greeting: 'good day' } } });
  expect(await fleet.ok('plan')).toContain('parrot (pipes)');
  expect(await fleet.cli(['doctor'])).toMatchObject({ stdout: expect.stringContaining('parrot 1.0.0') });
  await fleet.up();
  await fleet.event('message.assistant', ({ data }) => data.text === 'good day');
  await fleet.ok('inject', 'polly', 'pieces of eight');
  await fleet.event('message.assistant', ({ data }) => data.text === 'pieces of eight');

  /* A live edit of its own key waits, with the reason that its definition gives. */
  fleet.configure({ agents: { polly: { runtime: 'parrot', greeting: 'good night' } } });
  const { pending } = await fleet.until('polly', 'pending', (view) => view.pending !== null);
  expect(pending).toBe('greeting decides what it says first');
  await fleet.ok('stop', 'polly');
  expect((await fleet.agent('polly')).state).toBe('stopped');
}, 120_000);
