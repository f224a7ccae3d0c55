/**
 * What every Runtime has to be able to do, run against real processes. An engine joins by telling how its tools
 * are called and how one learns what its model was told; the suite does the rest.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AgentSpec, LaunchSpec, ObservedEvent, Runtime } from '../../src/runtimes/runtime.ts';
import { Desk, Engine, Observed, TerminalProcess } from '../support/drive.ts';

/** One engine under test. Messages are scripts of the model server (tests/support/model-server/directives.ts). */
export interface Subject {
  runtime: Runtime;
  /** What an agent needs besides the defaults: a log-in, a model, the model's address. */
  agent: Partial<AgentSpec>;
  /** The log-in's secret values: they may appear nowhere but in the environment and in secret files. */
  secrets: string[];
  /** Environments for detect(): one that can log in, one that cannot (null: it needs no log-in). */
  canLogIn: Record<string, string>;
  cannotLogIn: Record<string, string> | null;
  /** Name of the aether tool `aether_echo` as this engine's model calls it. */
  echoTool: string;
  /** A directive that runs a shell command and needs permission. */
  shell(command: string): string;
  shellTool: string;
  /** Resolves once the model was given a request that contains this text. */
  modelSaw(text: string, deadline_ms?: number): Promise<void>;
  /** Everything the model was told in its last request. */
  lastRequest(): string;
  /** What the terminal shows when it can be typed into. */
  terminalReady: string;
  close(): Promise<void>;
}

const SIZE = { cols: 120, rows: 40 };

export function runtimeConformance(name: string, setup: () => Promise<Subject>): void {
  describe(`${name} is a runtime`, () => {
    let subject: Subject;
    let desk: Desk;
    const stops: (() => Promise<unknown>)[] = [];

    beforeAll(async () => {
      subject = await setup();
    });
    afterAll(() => subject.close());
    beforeEach(() => {
      desk = new Desk(`r_${crypto.randomUUID().slice(0, 8)}`);
    });
    afterEach(async () => {
      for (const stop of stops.splice(0)) await stop();
      desk.remove();
    });

    const agent = (overrides: Partial<AgentSpec> = {}) =>
      desk.agent(subject.runtime, { ...subject.agent, ...overrides });

    function run(spec: LaunchSpec, observed = new Observed(subject.runtime)): Engine {
      const engine = new Engine(spec, observed);
      stops.push(() => engine.kill());
      return engine;
    }

    async function start(overrides: Partial<AgentSpec> = {}): Promise<Engine> {
      return run(await subject.runtime.prepare(agent(overrides), desk.place, null, null));
    }

    const ended = (engine: Engine, from = 0) =>
      engine.observed.waitFor('turn-ended', () => true, { from, deadline_ms: 20_000 });

    const shellWriting = (file: string) => subject.shell(`echo written > ${join(desk.workspace, file)}`);
    const written = (file: string) => fs.existsSync(join(desk.workspace, file));

    describe('detect', () => {
      it('finds the program, its version and the log-in', async () => {
        const found = await subject.runtime.detect(subject.canLogIn);
        expect(found).toMatchObject({ runtime: subject.runtime.name, usable: true, canLogIn: true });
        expect(found.version).toMatch(/^\d+\.\d+\.\d+/);
        expect(fs.existsSync(found.binary!)).toBe(true);
        expect(found.missing).toEqual([]);
      });

      it('says what is missing and how to mend it', async () => {
        if (subject.cannotLogIn === null) return;
        const found = await subject.runtime.detect(subject.cannotLogIn);
        expect(found.canLogIn).toBe(false);
        expect(found.missing.length).toBeGreaterThan(0);
        for (const { what, mend } of found.missing) expect([what, mend]).not.toContain('');
      });
    });

    describe('prepare', () => {
      it('gives a whole environment and keeps secrets out of everything that is shown', async () => {
        const spec = await subject.runtime.prepare(agent({ goal: 'hello' }), desk.place, null, null);
        const { process: started, files, secretEnv, opening, authNote } = spec;
        expect(started.cwd).toBe(desk.workspace);
        for (const variable of ['PATH', 'HOME', 'TMPDIR']) expect(started.env[variable]).toBeTruthy();
        for (const variable of ['HOME', 'TMPDIR']) {
          expect(started.env[variable]!.startsWith(desk.place.agentDir)).toBe(true);
        }
        const shown = JSON.stringify({
          argv: started.argv,
          env: Object.fromEntries(Object.entries(started.env).filter(([key]) => !secretEnv.includes(key))),
          files: files.filter((file) => !file.secret),
          opening,
          authNote,
          stop: spec.stop,
        });
        for (const secret of subject.secrets) {
          expect(Object.values(started.env)).toContain(secret);
          // Not even the tail of a key, which some engines write down.
          for (const part of [secret, secret.slice(-20)]) expect(shown).not.toContain(part);
        }
        for (const file of files) {
          expect(file.path.startsWith(desk.root), file.path).toBe(true);
          if (file.secret) expect(file.mode & 0o077, file.path).toBe(0);
        }
      });

      it('says the same when it is asked again, and writes nothing by itself', async () => {
        const input = agent({ goal: 'hello' });
        const first = await subject.runtime.prepare(input, desk.place, null, null);
        const second = await subject.runtime.prepare(input, desk.place, null, null);
        expect(second).toEqual(first);
        expect(fs.existsSync(desk.place.agentDir)).toBe(false);
        expect(fs.existsSync(desk.place.runDir)).toBe(false);
      });
    });

    describe('a turn', () => {
      it('is ready, takes up its goal, and tells what was said and spent', async () => {
        const engine = await start({ goal: 'begin [[say all is well]]', role: 'You are ROLE-MARK.' });
        await engine.observed.waitFor('ready');
        const end = await ended(engine);
        expect(end.outcome).toBe('done');
        await subject.modelSaw('begin [[say all is well]]');
        expect(engine.observed.find('message', (m) => m.role === 'user')?.text).toContain('begin [[say');
        const reply = engine.observed.find('message', (m) => m.role === 'assistant' && !m.thinking);
        expect(reply).toMatchObject({ text: 'all is well' });
        expect(reply?.key).toBeTruthy();
        const usage = await engine.observed.waitFor('usage');
        expect(usage.input_tokens + usage.cache_read_tokens).toBeGreaterThan(0);
        expect(usage.output_tokens).toBeGreaterThan(0);
        await engine.observed.waitFor('session');
        await engine.observed.waitFor('activity', (a) => a.activity === 'thinking');
      });

      it('calls aether tools without asking anybody', async () => {
        const script = `[[call ${subject.echoTool} {"text":"ping"}]] [[say got {{result}}]]`;
        const engine = await start({ goal: script });
        expect((await ended(engine)).outcome).toBe('done');
        const call = engine.observed.find('tool-call', (c) => c.tool === subject.echoTool);
        expect(call?.input).toEqual({ text: 'ping' });
        const result = engine.observed.find('tool-result', (r) => r.toolUseId === call?.toolUseId);
        expect(result).toMatchObject({ isError: false, text: 'echo: ping' });
        expect(engine.observed.find('permission-asked')).toBeUndefined();
        expect(engine.observed.find('message', (m) => m.text === 'got echo: ping')).toBeDefined();
        const servers = engine.observed.find('mcp-status')?.servers ?? [];
        expect(servers).toContainEqual({ name: 'aether', status: 'connected' });
      });

      it('fails as a turn, not as a process', async () => {
        const engine = await start({ goal: '[[error 400]]' });
        const end = await ended(engine);
        expect(end.outcome).toBe('failed');
        expect(end.text).toContain('400');
        const from = engine.observed.events.length;
        engine.say('[[say still here]]');
        expect((await ended(engine, from)).outcome).toBe('done');
      });

      it('tries again when the model is overloaded', async () => {
        const engine = await start({ goal: `${crypto.randomUUID()} [[error 529 1]] [[say recovered]]` });
        expect((await engine.observed.waitFor('retrying')).attempt).toBe(1);
        expect(await ended(engine)).toMatchObject({ outcome: 'done' });
        expect(engine.observed.find('message', (m) => m.text === 'recovered')).toBeDefined();
      });
    });

    describe('permissions', () => {
      it('wait for the operator: allowed, it runs', async () => {
        const engine = await start({ goal: `${shellWriting('allowed')} [[say after]]` });
        const asked = await engine.observed.waitFor('permission-asked');
        expect(asked.tool).toBe(subject.shellTool);
        await engine.observed.waitFor('activity', (a) => a.activity === 'waiting-for-operator');
        expect(written('allowed')).toBe(false);
        const { requestId, input } = asked;
        engine.write(subject.runtime.permission!({ requestId, allow: true, message: null, input }));
        expect((await ended(engine)).outcome).toBe('done');
        expect(written('allowed')).toBe(true);
        expect(engine.observed.find('permission-withdrawn')).toBeUndefined();
      });

      it('wait for the operator: denied, it does not, and the agent is told why', async () => {
        const engine = await start({ goal: `${shellWriting('denied')} [[say I heard: {{result}}]]` });
        const { requestId, input } = await engine.observed.waitFor('permission-asked');
        const message = 'not today, said the operator';
        engine.write(subject.runtime.permission!({ requestId, allow: false, message, input }));
        await engine.observed.waitFor('message', (m) => m.role === 'assistant' && m.text.includes(message));
        expect(engine.observed.find('tool-result')?.isError).toBe(true);
        expect(written('denied')).toBe(false);
      });

      it('are taken back when the turn is cancelled', async () => {
        const engine = await start({ goal: shellWriting('cancelled') });
        const { requestId } = await engine.observed.waitFor('permission-asked');
        engine.write(subject.runtime.interrupt!('cancel-1'));
        expect(await engine.observed.waitFor('permission-withdrawn')).toMatchObject({ requestId });
        expect((await ended(engine)).outcome).toBe('interrupted');
        expect(written('cancelled')).toBe(false);
      });

      it('follow the rules: named tools run, denied ones do not, and a mode decides the rest', async () => {
        const goal = `${shellWriting('ruled')} [[say heard {{result}}]]`;
        const rule = async (permissions: AgentSpec['permissions']) => {
          fs.rmSync(join(desk.workspace, 'ruled'), { force: true });
          const engine = await start({ goal, permissions });
          expect((await ended(engine)).outcome).toBe('done');
          expect(engine.observed.find('permission-asked')).toBeUndefined();
          await engine.kill();
          fs.rmSync(desk.place.agentDir, { recursive: true, force: true });
          return written('ruled');
        };
        expect(await rule({ mode: 'allow', allow: [], deny: [] })).toBe(true);
        expect(await rule({ mode: 'deny', allow: [], deny: [] })).toBe(false);
        expect(await rule({ mode: 'deny', allow: [subject.shellTool], deny: [] })).toBe(true);
        expect(await rule({ mode: 'allow', allow: [], deny: [subject.shellTool] })).toBe(false);
      });
    });

    describe('messages', () => {
      const stages = (engine: Engine, id: string) =>
        engine.observed.events.flatMap((e) => (e.kind === 'inject' && e.injectId === id ? [e.stage] : []));

      it('carry a receipt from delivered over seen to acted', async () => {
        const engine = await start();
        await engine.observed.waitFor('ready');
        const id = engine.say('are you there? [[say yes]]');
        await engine.observed.waitFor('inject', (e) => e.injectId === id && e.stage === 'acted');
        expect(stages(engine, id)).toEqual(['delivered', 'seen', 'acted']);
        expect(engine.observed.find('message', (m) => m.injectId === id)?.text).toContain('are you there?');
      });

      it('of priority next are folded in after the running tool', async () => {
        const tool = subject.shell(`sleep 2; echo done > ${join(desk.workspace, 'tool-done')}`);
        const engine = await start({
          goal: `${tool} [[say the tool was run]]`,
          permissions: { mode: 'allow', allow: [], deny: [] },
        });
        await engine.observed.waitFor('tool-call');
        const id = engine.say('FOLDED-IN without a script');
        await engine.observed.waitFor('inject', (e) => e.injectId === id && e.stage === 'seen');
        expect(written('tool-done')).toBe(true);
        expect(engine.observed.find('turn-ended')).toBeUndefined();
        await subject.modelSaw('FOLDED-IN');
        expect((await ended(engine)).outcome).toBe('done');
        const seen = engine.observed.indexOf('inject', (e) => e.injectId === id && e.stage === 'seen');
        expect(seen).toBeGreaterThan(engine.observed.indexOf('tool-result'));
      });

      it('of priority later wait for the end of the turn', async () => {
        const engine = await start({
          goal: `${subject.shell('sleep 1')} [[say first turn]]`,
          permissions: { mode: 'allow', allow: [], deny: [] },
        });
        await engine.observed.waitFor('tool-call');
        const id = engine.say('[[say second turn]]', 'later');
        await engine.observed.waitFor('message', (m) => m.text === 'second turn');
        const seen = engine.observed.indexOf('inject', (e) => e.injectId === id && e.stage === 'seen');
        expect(seen).toBeGreaterThan(engine.observed.indexOf('turn-ended'));
      });

      it('of priority now end the running tool', async () => {
        const tool = subject.shell(`sleep 20; echo done > ${join(desk.workspace, 'never')}`);
        const engine = await start({ goal: tool, permissions: { mode: 'allow', allow: [], deny: [] } });
        await engine.observed.waitFor('tool-call');
        const began = Date.now();
        const id = engine.say('drop it [[say dropped]]', 'now');
        await engine.observed.waitFor('message', (m) => m.text === 'dropped');
        expect(Date.now() - began).toBeLessThan(10_000);
        await engine.observed.waitFor('inject', (e) => e.injectId === id && e.stage === 'acted');
        expect(written('never')).toBe(false);
      });
    });

    describe('interrupt', () => {
      it('ends the turn, not the process', async () => {
        const engine = await start({ goal: '[[slow 50 one two three]] [[hang interrupted]] [[say never]]' });
        await engine.observed.waitFor('activity', (a) => a.activity === 'thinking');
        await subject.modelSaw('[[hang interrupted]]');
        engine.write(subject.runtime.interrupt!('stop-1'));
        expect(await engine.observed.waitFor('interrupted')).toMatchObject({ requestId: 'stop-1' });
        expect((await ended(engine)).outcome).toBe('interrupted');
        await engine.observed.waitFor('activity', (a) => a.activity === 'idle');
        const from = engine.observed.events.length;
        engine.say('[[say alive]]');
        expect((await ended(engine, from)).outcome).toBe('done');
        expect(engine.observed.find('message', (m) => m.text === 'alive')).toBeDefined();
      });
    });

    describe('the conversation', () => {
      it('goes on after the process was killed in mid-turn', async () => {
        const engine = await start({ goal: 'REMEMBER-ME [[say noted]]' });
        await ended(engine);
        engine.say('[[hang killed]]');
        await subject.modelSaw('[[hang killed]]');
        await engine.kill();
        const { session } = engine.observed.state;
        expect(session).toBeTruthy();
        // A new run knows the conversation's name and nothing else.
        const spec = await subject.runtime.prepare(
          agent({ goal: 'GOAL-AGAIN' }),
          desk.place,
          { session },
          {
            note: 'YOU-WERE-AWAY [[say back again]]',
          },
        );
        const again = run(spec, new Observed(subject.runtime, { session }));
        await again.observed.waitFor('message', (m) => m.text === 'back again');
        expect(again.observed.state.session).toBe(session);
        const told = subject.lastRequest();
        for (const text of ['REMEMBER-ME', 'YOU-WERE-AWAY']) expect(told).toContain(text);
        expect(told).not.toContain('GOAL-AGAIN');
        expect(again.observed.find('message', (m) => m.text.includes('REMEMBER-ME'))).toBeUndefined();
      });

      it('says nothing on resume when there is nothing to say', async () => {
        const engine = await start({ goal: '[[say noted]]' });
        await ended(engine);
        await engine.stop();
        const spec = await subject.runtime.prepare(agent(), desk.place, engine.observed.state, { note: '' });
        const again = run(spec, new Observed(subject.runtime, engine.observed.state));
        await again.observed.waitFor('ready');
        await again.observed.waitFor('activity', (a) => a.activity === 'idle');
        again.say('[[say spoken to]]');
        await again.observed.waitFor('message', (m) => m.text === 'spoken to');
        expect(again.observed.events.filter((e) => e.kind === 'message' && e.role === 'user')).toHaveLength(
          1,
        );
      });

      it('is handed to a human in a terminal and back, nothing lost, nothing told twice', async () => {
        const engine = await start({ goal: 'BEFORE [[say said before]]' });
        await ended(engine);
        await engine.stop();
        const { observed } = engine;
        const before = observed.events.length;

        const terminalSpec = await subject.runtime.terminal!(agent(), desk.place, observed.state, SIZE);
        expect(terminalSpec.process).toMatchObject({ role: 'terminal', io: { kind: 'pty', ...SIZE } });
        const tail = subject.runtime.tail!(agent(), desk.place, observed.state);
        const terminal = new TerminalProcess(terminalSpec, observed, tail);
        stops.push(() => terminal.stop());
        await terminal.shows(subject.terminalReady);
        await terminal.shows('said before');
        await terminal.type('TYPED by a human [[say answered the human]]');
        await observed.waitFor('message', (m) => m.role === 'user' && m.text.includes('TYPED'), {
          from: before,
        });
        await observed.waitFor('message', (m) => m.text === 'answered the human', { from: before });
        expect((await observed.waitFor('turn-ended', () => true, { from: before })).outcome).toBe('done');
        await terminal.stop();

        const spec = await subject.runtime.prepare(agent(), desk.place, observed.state, {
          note: 'HANDED-BACK [[say took over]]',
        });
        run(spec, observed);
        await observed.waitFor('message', (m) => m.text === 'took over');
        for (const text of ['BEFORE', 'TYPED by a human', 'answered the human', 'HANDED-BACK']) {
          expect(subject.lastRequest()).toContain(text);
        }
        const keys = observed.events.flatMap((e) => (e.kind === 'message' ? [e.key] : []));
        expect(keys).not.toContain(undefined);
        expect(new Set(keys).size).toBe(keys.length);
      });
    });

    describe('the end', () => {
      it('comes politely to an idle engine', async () => {
        const engine = await start({ goal: '[[say hello]]' });
        await ended(engine);
        expect(await engine.stop()).toMatchObject({ code: 0, signal: null });
      });

      it('comes in time to a busy one', async () => {
        const engine = await start({ goal: '[[hang busy]]' });
        await subject.modelSaw('[[hang busy]]');
        const { close_stdin_ms = 0, term_ms } = engine.spec.stop;
        const began = Date.now();
        expect(['stdin', 'SIGTERM']).toContain((await engine.stop()).step);
        expect(Date.now() - began).toBeLessThan(close_stdin_ms + term_ms + 500);
      });
    });

    describe('the observer', () => {
      it('is pure, and survives lines that are cut, foreign or huge', async () => {
        const engine = await start({
          goal: `[[think hm]] ${shellWriting('pure')} [[say done]]`,
          permissions: { mode: 'allow', allow: [], deny: [] },
        });
        await ended(engine);
        await engine.stop();
        const { lines } = engine.observed;
        expect(lines.length).toBeGreaterThan(5);
        const { observer } = subject.runtime;
        const replay = (): { events: ObservedEvent[]; state: unknown } => {
          const events: ObservedEvent[] = [];
          let state = deepFreeze(observer.initial(null));
          for (const line of lines) {
            const result = observer.line(state, 'out', line);
            state = deepFreeze(JSON.parse(JSON.stringify(result.state)));
            events.push(...result.events);
          }
          return { events, state };
        };
        const once = replay();
        expect(replay()).toEqual(once);
        expect(once.events).toEqual(engine.observed.events.filter((event) => event.kind !== 'note'));
        const bad = lines.flatMap((line) => [
          line.slice(0, line.length >> 1),
          line.slice(1),
          line.replaceAll(/:"[^"]*"/g, ':null'),
          line.replaceAll(/:\{/g, ':[{').replaceAll(/\}/g, '}]'),
        ]);
        bad.push('', 'null', '[]', '"text"', '{}', '\u0000', '{"type":"brand_new"}', 'x'.repeat(4_000_000));
        for (const line of bad) {
          for (const source of ['out', 'err'] as const) {
            const { state, events } = observer.line(deepFreeze(observer.initial('s')), source, line);
            expect(JSON.parse(JSON.stringify(state))).toEqual(state);
            for (const event of events) {
              if (event.kind === 'note') expect(event.text.length).toBeLessThan(10_000);
            }
          }
        }
        const notes = observer.line(observer.initial(null), 'out', 'this is not JSON').events;
        expect(notes).toMatchObject([{ kind: 'note', text: expect.stringContaining('this is not JSON') }]);
      });
    });
  });
}

function deepFreeze<T>(value: T): T {
  if (value !== null && typeof value === 'object') {
    for (const inner of Object.values(value)) deepFreeze(inner);
    Object.freeze(value);
  }
  return value;
}
