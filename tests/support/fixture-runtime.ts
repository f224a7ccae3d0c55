/** The runtime of tests/fixtures/engine: small enough to be read whole, and able to misbehave on demand. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type {
  AgentSpec,
  EngineState,
  LaunchSpec,
  ObservedEvent,
  RunPlace,
  Runtime,
} from '../../src/runtimes/runtime.ts';
import type { FixtureEntry, FixtureRequest, FixtureSettings } from '../fixtures/engine/wire.ts';

const PROGRAM = fileURLToPath(new URL('../fixtures/engine/main.ts', import.meta.url));
const NOTE_CHARS_MAX = 500;

export const FIXTURE_KEY = 'FIXTURE_KEY';

const frame = (id: string, request: FixtureRequest) => ({ id, data: `${JSON.stringify(request)}\n` });

const conversationOf = (place: RunPlace, session: string) =>
  join(place.agentDir, 'conversations', `${session}.jsonl`);

function spec(agent: AgentSpec, place: RunPlace, state: EngineState | null, flags: string[]): LaunchSpec {
  const session = state?.session ?? place.run;
  const settings: FixtureSettings = {
    session,
    conversation: conversationOf(place, session),
    permissions: agent.permissions,
    mcp: place.mcp,
  };
  const file = join(place.runDir, 'fixture.json');
  const note = (dir: string) => ({ path: join(place.agentDir, dir, '.here'), mode: 0o600, content: '' });
  return {
    process: {
      role: 'engine',
      argv: [process.execPath, PROGRAM, file, ...flags],
      env: {
        PATH: place.path,
        HOME: join(place.agentDir, 'home'),
        TMPDIR: join(place.agentDir, 'tmp'),
        ...agent.env,
        ...agent.auth,
      },
      cwd: agent.workspace,
      io: { kind: 'pipes', stdio: 'socketpair' },
    },
    secretEnv: Object.keys(agent.auth),
    files: [{ path: file, mode: 0o600, content: JSON.stringify(settings) }, note('home'), note('tmp')],
    uses: { read: [PROGRAM], write: [place.agentDir] },
    stop: { close_stdin_ms: 1_000, term_ms: 1_000, kill_ms: 2_000 },
    authNote: FIXTURE_KEY,
    opening: [],
  };
}

export const fixtureRuntime: Runtime = {
  // The contract's names are those of real engines; nothing here looks at it.
  name: 'command',
  capabilities: {
    engine: 'structured',
    takeover: 'swap',
    receipts: 'acted',
    resume: true,
    turns: {
      second: { is: 'folded', grade: 'observed' },
      asks: { is: 'everything', grade: 'enforced' },
      conversation: { is: 'lost', grade: 'observed' },
    },
    gate: { wait_ms_max: null },
  },

  async detect(environment) {
    const canLogIn = Boolean(environment[FIXTURE_KEY]);
    return {
      runtime: 'command',
      usable: canLogIn,
      binary: PROGRAM,
      version: '1.0.0',
      canLogIn,
      model: true,
      missing: canLogIn ? [] : [{ what: `no ${FIXTURE_KEY}`, mend: `set ${FIXTURE_KEY}` }],
    };
  },

  async prepare(agent, place, state, resume) {
    const known = state?.session != null && existsSync(conversationOf(place, state.session));
    const text = resume === null || !known ? agent.goal : resume.note;
    const opening = text
      ? [frame('opening', { do: 'message', id: `opening:${text}`, text, priority: 'next' })]
      : [];
    return { ...spec(agent, place, state, []), opening };
  },

  async terminal(agent, place, state, size) {
    const base = spec(agent, place, state, ['--terminal']);
    return {
      ...base,
      process: { ...base.process, role: 'terminal', io: { kind: 'pty', ...size } },
      stop: { term_ms: 1_000, kill_ms: 2_000 },
    };
  },

  observer: {
    initial: (session) => ({ session }),
    line(state, source, text) {
      if (text === '') return { state, events: [] };
      const note = (why: string): ObservedEvent => ({
        kind: 'note',
        level: 'warn',
        text: why + text.slice(0, NOTE_CHARS_MAX),
      });
      if (source === 'err') return { state, events: [note('')] };
      try {
        const event = JSON.parse(text) as ObservedEvent;
        if (typeof event?.kind !== 'string') return { state, events: [] };
        if (event.kind === 'note' && typeof event.text !== 'string') return { state, events: [] };
        const next = event.kind === 'session' ? { ...state, session: event.session ?? null } : state;
        return { state: next, events: [event] };
      } catch {
        return { state, events: [note('not a line of ours: ')] };
      }
    },
  },

  tail: (_agent, place, state) => ({
    path: conversationOf(place, state.session ?? place.run),
    line(before, text) {
      const { role, text: said, key } = JSON.parse(text) as FixtureEntry;
      if (role === 'result') return { state: before, events: [] };
      const events: ObservedEvent[] = [{ kind: 'message', role, text: said, key }];
      if (role === 'assistant') events.push({ kind: 'turn-ended', outcome: 'done' });
      return { state: before, events };
    },
  }),

  message: ({ id, text, priority }) => frame(id, { do: 'message', id, text, priority }),
  interrupt: (requestId) => frame(requestId, { do: 'interrupt', requestId }),
  permission: ({ requestId, allow, message }) =>
    frame(`permission:${requestId}`, { do: 'permission', requestId, allow, message }),
  gate: (answer) => frame(`gate:${answer.requestId}`, { do: 'gate', ...answer }),
  callFacts: (tool, input) => {
    const { command } = (input ?? {}) as { command?: string };
    return {
      aether: tool.startsWith('aether_') ? tool : null,
      looks: tool === 'look' ? [command ?? '.'] : null,
      subject: command ?? null,
      shell: tool === 'shell',
    };
  },
  cancel: (id) => frame(`cancel:${id}`, { do: 'cancel', id }),
};
