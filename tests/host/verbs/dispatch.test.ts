/** The dispatcher: who may call, what it refuses before a verb is run, and who it says has done it. */
import { beforeEach, expect, it } from 'vitest';
import { isOperator, kindOf } from '../../../src/host/principals.ts';
import type { Principal } from '../../../src/host/shapes.ts';
import { verbs } from '../../../src/host/verbs/all.ts';
import { verbNamed } from '../../../src/host/verbs/dispatch.ts';
import type { AnyCall, AnyVerb, Asker } from '../../../src/host/verbs/verb.ts';
import { HostDouble } from '../../support/host-double.ts';

const all = Object.values(verbs as unknown as Record<string, AnyVerb>);
const by = (principal: Principal): Asker => ({ principal, label: principal });
const sink = { item: () => undefined, full: () => false, end: () => undefined };

let host: HostDouble;
beforeEach(() => {
  host = new HostDouble('/nowhere');
  host.set('coder', {});
});

it('lets no agent, outside client or file near a verb of operators', () => {
  for (const principal of ['agent:coder', 'client:laptop', 'file:aether.yaml'] as const)
    for (const verb of all) {
      const call = () =>
        verb.kind === 'call'
          ? host.verbs.run(by(principal), verb, { agent: 'coder' })
          : host.verbs.open(by(principal), verb, { agent: 'coder' }, sink);
      expect(call, verb.name).toThrow(expect.objectContaining({ code: 'verb.forbidden' }));
    }
  expect(host.asked).toEqual([]);
});

it('knows an operator with a name and without, and does it in that name', () => {
  expect(['operator', 'operator:ann', 'operators', 'agent:operator'].map(isOperator)).toEqual([
    true,
    true,
    false,
    false,
  ]);
  expect((['operator:ann', 'agent:a:b', 'host', 'file:x'] as const).map(kindOf)).toEqual([
    'operator',
    'agent',
    'host',
    'file',
  ]);
  const sent = host.verbs.call(by('operator:ann'), 'inject', { agent: 'coder', text: 'hello' });
  expect(sent.principal).toBe('operator:ann');
});

it('finds what is defined and nothing else', () => {
  for (const verb of all) expect(verbNamed(verb.name)).toBe(verb);
  for (const name of ['constructor', '__proto__', 'toString', 'Start', ''])
    expect(verbNamed(name)).toBeUndefined();
});

it('checks input, then basis, then whether it is legal, and runs nothing before', () => {
  const start = verbNamed('start') as AnyCall;
  const run = (input: unknown, basis?: unknown) => () => host.verbs.run(by('operator'), start, input, basis);
  const seen = { run: 'run_coder', state: 'running', lease: null };
  expect(run({ agent: 'coder', extra: 1 }, { run: 1 })).toThrow(
    expect.objectContaining({ code: 'verb.invalid' }),
  );
  expect(run({ agent: 'coder' }, { ...seen, run: 7 })).toThrow(/basis\.run/);
  expect(run({ agent: 'coder' }, { ...seen, state: 'stopped' })).toThrow(
    expect.objectContaining({ code: 'verb.stale' }),
  );
  expect(run({ agent: 'coder' }, seen)).toThrow(expect.objectContaining({ code: 'verb.illegal' }));
  expect(run({ agent: 'coder' })).toThrow(expect.objectContaining({ code: 'verb.illegal' }));
  expect(host.asked).toEqual([]);
});

it('has one sentence for every verb, and an agent in each that is about one', () => {
  for (const verb of all) {
    expect(verb.summary, verb.name).toMatch(/^[A-Z].*\.$/);
    expect(verb.who.length, verb.name).toBeGreaterThan(0);
  }
});
