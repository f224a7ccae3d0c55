/** What may be asked of an agent in which state, and why not. */
import { expect, it } from 'vitest';
import type { LeaseView } from '../../../src/host/api.ts';
import { requireHoldable } from '../../../src/host/verbs/legal.ts';
import { legalVerbs } from '../../../src/host/verbs/table.ts';
import type { VerbFacts } from '../../../src/host/verbs/verb.ts';

const lease: LeaseView = {
  agent: 'coder',
  generation: 1,
  holder: 'somebody',
  phase: 'held',
  since_ms: 1,
  expires_ms: null,
  waitingFor: null,
};
const verbs = (facts: Partial<VerbFacts>) =>
  legalVerbs({
    name: 'coder',
    state: 'running',
    lease: null,
    structured: true,
    gated: true,
    hasTerminal: false,
    waitsToStart: false,
    paused: false,
    pausable: true,
    hold: false,
    narrowed: false,
    ...facts,
  });

it('what stands still goes on by resume, and nothing else is begun with it', () => {
  expect(verbs({})).toMatchObject({ hold: null, pause: null, interrupt: null });
  expect(verbs({}).resume).toBe('coder is neither held nor paused.');
  expect(verbs({ hold: true })).toMatchObject({ resume: null, pause: null, stop: null, takeover: null });
  expect(verbs({ paused: true })).toMatchObject({ resume: null, stop: null, kill: null });
  for (const verb of ['hold', 'interrupt', 'takeover'] as const)
    expect(verbs({ paused: true })[verb]).toBe('coder is paused; resume it first.');
});

it('in somebody’s hands it can be handed back held, where there is a gate to hold it at', () => {
  expect(verbs({ lease }).hold).toContain('hand it back held');
  expect(verbs({ lease, gated: false }).hold).toContain('no gate');
  expect(() =>
    requireHoldable({ name: 'coder', can: { hold: true, receipts: 'acted', turns: true, takeover: 'swap' } }),
  ).not.toThrow();
  expect(() =>
    requireHoldable({
      name: 'coder',
      can: { hold: false, receipts: 'delivered', turns: false, takeover: 'direct' },
    }),
  ).toThrow('no gate, so it cannot be held');
});

it('whose start waits for those of others can be stopped, and is not started twice', () => {
  for (const state of ['stopped', 'exited', 'failed'] as const) {
    const waits = verbs({ state, waitsToStart: true });
    expect(waits).toMatchObject({ stop: null, kill: null });
    expect(waits.start).toBe('coder waits to start already: other agents start first.');
  }
  expect(verbs({ state: 'stopped' })).toMatchObject({ start: null, stop: 'coder is already stopped.' });
});
