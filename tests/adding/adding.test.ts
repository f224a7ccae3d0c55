/**
 * Everything that docs/architecture.md says how to add is added to one copy of this checkout, one after the other, as
 * contributors would: each by itself touches the files that it should, and all of them together hold.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Addition } from './addition.ts';
import { event } from './event.ts';
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

test('types, the import law and their own tests hold', () => {
  expect(added).toEqual(ADDITIONS);
  for (const project of ['tsconfig.json', 'src/console/web/tsconfig.json']) scratch.typecheck(project);
  scratch.test(
    ...ADDITIONS.flatMap(({ tests }) => tests),
    'tests/architecture/law.test.ts',
    'tests/architecture/generated.test.ts',
  );
}, 300_000);

for (const { live } of ADDITIONS) live?.(() => scratch);
