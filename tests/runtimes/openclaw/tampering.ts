/** What an agent or its holder does to the gateway behind the driver's back, on the one that the suite has. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { ASK, type Bench } from '../../conformance/runtime-bench.ts';
import type { DrivenEngine } from '../../support/drive.ts';

const TICKET = 'the-ticket-of-a-terminal-of-the-test';

/** As its terminal, by the driver's door. */
async function asTerminal(engine: DrivenEngine, method: string, params: object): Promise<unknown> {
  const ticket = createHash('sha256').update(TICKET).digest('hex');
  engine.write({ id: 'admit', data: `${JSON.stringify({ type: 'admit', ticket })}\n` });
  // It is told of its next message after that of before.
  engine.write(engine.observed.runtime.interrupt!('admitted'));
  await engine.observed.waitFor('interrupted', (e) => e.requestId === 'admitted');
  const socket = new WebSocket(`ws://127.0.0.1:${engine.observed.state.door}`);
  const answers: { id?: string; ok?: boolean; payload?: unknown }[] = [];
  socket.on('message', (data) => answers.push(JSON.parse(data.toString())));
  const call = async (id: string, name: string, given: object) => {
    socket.send(JSON.stringify({ type: 'req', id, method: name, params: given }));
    for (;;) {
      const answer = answers.find((one) => one.id === id);
      if (answer !== undefined) return answer;
      await once(socket, 'message');
    }
  };
  await once(socket, 'open');
  const hello = await call('hello', 'connect', {
    ...{ minProtocol: 4, maxProtocol: 4, role: 'operator', caps: [], auth: { token: TICKET } },
    client: { id: 'openclaw-tui', version: '1', platform: 'linux', mode: 'ui' },
    scopes: ['operator.read', 'operator.write', 'operator.admin'],
  });
  expect(hello.ok).toBe(true);
  const { ok, payload } = await call('asked', method, params);
  socket.terminate();
  expect(ok).toBe(true);
  return payload;
}

export function tamperingConformance(bench: Bench): void {
  describe('behind its back', () => {
    it('its configuration is edited by the agent: the gate stays as it was', async () => {
      const edit = bench.subject.shell('echo "{}" > "$OPENCLAW_CONFIG_PATH"; echo edited > edited');
      const engine = await bench.work(`${edit} ${bench.shellWriting('after-edit')} [[say done]]`, ASK);
      const answer = async (allow: boolean, from: number) => {
        const asked = await engine.observed.waitFor('permission-asked', () => true, { from });
        const { requestId, input } = asked;
        engine.write(bench.runtime.permission!({ requestId, allow, message: 'no', input }));
        return engine.observed.events.length;
      };
      await answer(false, await answer(true, 0));
      expect((await bench.ended(engine)).outcome).toBe('done');
      expect(fs.existsSync(join(bench.desk.workspace, 'edited'))).toBe(true);
      expect(bench.written('after-edit')).toBe(false);
    });

    // Its door is in the network of a box.
    if (bench.place !== 'none' || bench.employed) return;

    it('its conversation is deleted: that is said, and the next message begins one in the same directory', async () => {
      const engine = await bench.work('FORGET-ME [[say noted]]', ASK);
      await bench.ended(engine);
      const { session } = engine.observed.state;
      const key = `agent:main:aether-${session}`;
      expect(await asTerminal(engine, 'sessions.delete', { key })).toMatchObject({ deleted: true });
      await engine.observed.waitFor('note', (n) => n.text.includes('conversation was deleted'));
      const from = engine.observed.events.length;
      engine.permits = true;
      const id = engine.say(`AFTERWARDS ${bench.subject.shell('pwd > where')} [[say still here]]`);
      await engine.observed.waitFor('inject', (e) => e.injectId === id && e.stage === 'acted');
      expect(engine.observed.find('message', (m) => m.text === 'still here', from)).toBeDefined();
      expect(bench.subject.lastRequest()).not.toContain('FORGET-ME');
      expect(fs.readFileSync(join(bench.desk.workspace, 'where'), 'utf8').trim()).toBe(bench.desk.workspace);
      expect(engine.observed.state.session).toBe(session);
    });
  });
}
