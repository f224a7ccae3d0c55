/** A gateway goes on by itself with what the one before it was doing: it is kept from that until it is told something. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { ALLOW, type Bench } from '../../conformance/runtime-bench.ts';
import { Observed } from '../../support/drive.ts';
import { saidIn } from '../../support/model-server/server.ts';
import type { OpenClawSubject } from './subject.ts';

/** It begins with that within seconds of its start; nothing tells that it will not. */
const QUIET_MS = 30_000;
/** With what OpenClaw opens the conversation of one. */
const SUBAGENT = 'You are running as a subagent';

export function recoveryConformance(bench: Bench): void {
  it('asks no model for what was cut off, before it is told something', async () => {
    const { model } = bench.subject as OpenClawSubject;
    model.teach(SUBAGENT, '[[hang delegated]]');
    const engine = await bench.work('[[call sessions_spawn {"task":"DELEGATED"}]] [[hang cut]]', ALLOW);
    const { observed } = engine;
    await observed.waitFor('tool-result');
    await bench.subject.modelSaw(SUBAGENT);
    for (const [text, priority] of [
      ['FOLDED-IN', 'next'],
      ['QUEUED', 'later'],
    ] as const) {
      const id = engine.say(text, priority);
      await observed.waitFor('inject', (e) => e.injectId === id && e.stage === 'delivered');
    }
    await engine.kill();
    const { session } = observed.state;
    const spec = await bench.runtime.prepare(
      bench.agent({ permissions: ALLOW }),
      bench.desk.place,
      { session },
      { note: '' },
    );
    const asked = model.requests.length;
    const again = bench.run(spec, new Observed(bench.runtime, { session }));
    await again.observed.waitFor('ready');
    await sleep(QUIET_MS);
    expect(model.requests.slice(asked).map(saidIn)).toEqual([]);
    again.say('TOLD [[say told]]');
    expect((await bench.ended(again)).outcome).toBe('done');
    expect(again.observed.find('message', (m) => m.text === 'told')).toBeDefined();
    expect(bench.subject.lastRequest()).toContain('TOLD');
  });
}
