/** One turn: taken up, worked on with tools, permitted or not, ended. */
import fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { AgentSpec, Capabilities } from '../../src/runtimes/runtime.ts';
import { LONG } from '../support/run-tree.ts';
import type { Bench } from './runtime-bench.ts';

export function turnConformance(bench: Bench, { turns }: Capabilities): void {
  describe('a turn', () => {
    if (!bench.employed) {
      it('is ready, takes up its goal, and tells what was said and spent', async () => {
        const engine = await bench.start({ goal: 'begin [[say all is well]]', role: 'You are ROLE-MARK.' });
        await engine.observed.waitFor('ready');
        const end = await bench.ended(engine);
        expect(end.outcome).toBe('done');
        await bench.subject.modelSaw('begin [[say all is well]]');
        expect(engine.observed.find('message', (m) => m.role === 'user')?.text).toContain('begin [[say');
        const reply = engine.observed.find('message', (m) => m.role === 'assistant' && !m.thinking);
        expect(reply).toMatchObject({ text: 'all is well' });
        expect(reply?.key).toBeTruthy();
        const usage = await engine.observed.waitFor('usage');
        expect(usage.input_tokens + usage.cache_read_tokens).toBeGreaterThan(0);
        expect(usage.output_tokens).toBeGreaterThan(0);
        await engine.observed.waitFor('session');
        await engine.observed.waitFor('activity', (a) => a.activity === 'thinking');
        const servers = engine.observed.find('mcp-status')?.servers ?? [];
        expect(servers).toContainEqual({ name: 'aether', status: 'connected' });
      });

      it('has what is remembered before it if the engine says that it asks, and asks for nothing otherwise', async () => {
        const engine = await bench.start({ goal: 'where is it [[say one]]' });
        engine.remembered = 'The key lies under the PLANT-POT.';
        expect((await bench.ended(engine)).outcome).toBe('done');
        const asked = engine.observed.find('recall-asked');
        const { recall } = bench.runtime.capabilities;
        expect(asked !== undefined).toBe(recall?.includes('start') ?? false);
        if (asked !== undefined)
          expect(asked).toMatchObject({ at: 'start', words: expect.stringContaining('where is it') });
        expect(bench.subject.lastRequest().includes('PLANT-POT')).toBe(asked !== undefined);
        // It is no message of the conversation.
        expect(engine.observed.find('message', ({ text }) => text.includes('PLANT-POT'))).toBeUndefined();
      });

      it('calls aether tools without asking anybody', async () => {
        const script = `[[call ${bench.subject.echoTool} {"text":"ping"}]] [[say got {{result}}]]`;
        const engine = await bench.work(script);
        expect((await bench.ended(engine)).outcome).toBe('done');
        const call = engine.observed.find('tool-call', (c) => c.tool === bench.subject.echoTool);
        expect(call?.input).toEqual({ text: 'ping' });
        const result = engine.observed.find('tool-result', (r) => r.toolUseId === call?.toolUseId);
        expect(result).toMatchObject({ isError: false, text: 'echo: ping' });
        expect(engine.observed.find('permission-asked')).toBeUndefined();
        expect(engine.observed.find('message', (m) => m.text === 'got echo: ping')).toBeDefined();
      });
    }

    it('fails as a turn, not as a process', async () => {
      const engine = await bench.work('[[error 400]]');
      const end = await bench.ended(engine);
      expect(end.outcome).toBe('failed');
      expect(end.text).toContain('400');
      const from = engine.observed.events.length;
      engine.say('[[say still here]]');
      expect((await bench.ended(engine, from)).outcome).toBe('done');
    });

    it('tries again when the model is overloaded', async () => {
      const engine = await bench.work(`${crypto.randomUUID()} [[error 529 1]] [[say recovered]]`);
      expect((await engine.observed.waitFor('retrying')).attempt).toBe(1);
      expect(await bench.ended(engine)).toMatchObject({ outcome: 'done' });
      expect(engine.observed.find('message', (m) => m.text === 'recovered')).toBeDefined();
    });
  });

  if (turns?.asks.is === 'nothing') it('asks nobody, whatever its rules', () => asksNobody(bench));
  else permissionConformance(bench);
}

async function asksNobody(bench: Bench): Promise<void> {
  const engine = await bench.work(`${bench.shellWriting('unasked')} [[say done]]`);
  expect((await bench.ended(engine)).outcome).toBe('done');
  expect(bench.written('unasked')).toBe(true);
  expect(engine.observed.find('permission-asked')).toBeUndefined();
}

function permissionConformance(bench: Bench): void {
  describe('permissions', () => {
    it('wait for the operator: allowed, it runs', async () => {
      const engine = await bench.work(`${bench.shellWriting('allowed')} [[say after]]`);
      const asked = await engine.observed.waitFor('permission-asked');
      expect(asked.tool).toBe(bench.subject.shellTool);
      await engine.observed.waitFor('activity', (a) => a.activity === 'waiting-for-operator');
      expect(bench.written('allowed')).toBe(false);
      const { requestId, input } = asked;
      engine.write(bench.runtime.permission!({ requestId, allow: true, message: null, input }));
      expect((await bench.ended(engine)).outcome).toBe('done');
      expect(bench.written('allowed')).toBe(true);
      expect(engine.observed.find('permission-withdrawn')).toBeUndefined();
    });

    it('wait for the operator: denied, it does not, and the agent is told why', async () => {
      const engine = await bench.work(`${bench.shellWriting('denied')} [[say I heard: {{result}}]]`);
      const { requestId, input } = await engine.observed.waitFor('permission-asked');
      const message = 'not today, said the operator';
      engine.write(bench.runtime.permission!({ requestId, allow: false, message, input }));
      await engine.observed.waitFor('message', (m) => m.role === 'assistant' && m.text.includes(message));
      expect(engine.observed.find('tool-result')?.isError).toBe(true);
      expect(bench.written('denied')).toBe(false);
    });

    it('are taken back when the turn is cancelled', async () => {
      const engine = await bench.work(bench.shellWriting('cancelled'));
      const { requestId } = await engine.observed.waitFor('permission-asked');
      engine.write(bench.runtime.interrupt!('cancel-1'));
      expect(await engine.observed.waitFor('permission-withdrawn')).toMatchObject({ requestId });
      expect((await bench.ended(engine)).outcome).toBe('interrupted');
      expect(bench.written('cancelled')).toBe(false);
    });

    // An engine for each set of rules.
    if (!bench.employed)
      it('follow the rules: named tools run, denied ones do not, and a mode decides the rest', async () => {
        const goal = `${bench.shellWriting('ruled')} [[say heard {{result}}]]`;
        const rule = async (permissions: AgentSpec['permissions']) => {
          fs.rmSync(join(bench.desk.workspace, 'ruled'), { force: true });
          const engine = await bench.work(goal, permissions);
          expect((await bench.ended(engine)).outcome).toBe('done');
          expect(engine.observed.find('permission-asked')).toBeUndefined();
          return bench.written('ruled');
        };
        // A mode alone decides in the tests of fleets, too.
        if (LONG) {
          expect(await rule({ mode: 'allow', allow: [], deny: [] })).toBe(true);
          expect(await rule({ mode: 'deny', allow: [], deny: [] })).toBe(false);
        }
        expect(await rule({ mode: 'deny', allow: [bench.subject.shellTool], deny: [] })).toBe(true);
        expect(await rule({ mode: 'allow', allow: [], deny: [bench.subject.shellTool] })).toBe(false);
      });
  });
}
