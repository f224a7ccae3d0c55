/**
 * Everything that docs/architecture.md says how to add is added to one copy of this checkout, one after the other, as
 * contributors would: each by itself touches the files that it should, and all of them together hold.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Addition } from './addition.ts';
import { event, expectOnlyWordsMissing } from './event.ts';
import { runtime } from './runtime.ts';
import { sandbox } from './sandbox.ts';
import { Scratch } from './scratch.ts';
import { table } from './table.ts';
import { tool } from './tool.ts';
import { verb } from './verb.ts';

const ADDITIONS: Addition[] = [event, table, tool, verb, runtime, sandbox];

let scratch: Scratch;
const added: Addition[] = [];
beforeAll(() => {
  scratch = Scratch.make();
}, 120_000);
afterAll(() => scratch.remove(), 60_000);

for (const addition of ADDITIONS)
  test(addition.name, () => {
    addition.add(scratch);
    scratch.commit(addition.name);
    added.push(addition);
  }, 240_000);

test('types hold, and a topic of an event without words is missed', () => {
  expect(added).toEqual(ADDITIONS);
  expectOnlyWordsMissing(scratch);
}, 300_000);

test('it is built', () => scratch.build(), 120_000);

test('the import law and their own tests hold', () => {
  scratch.test(
    ...ADDITIONS.flatMap(({ tests }) => tests),
    'tests/architecture/law.test.ts',
    'tests/architecture/generated.test.ts',
    // One worker: what they import is loaded once.
    '--maxWorkers=1',
    // Of the sandbox, two: it has the whole suite as what it is made of, in sandbox-bubblewrap.test.ts.
    '--testNamePattern',
    '^(?!sandbox box,)|runs a program as it is given|maps paths both ways',
  );
}, 300_000);

for (const { live } of ADDITIONS) live?.(() => scratch);
