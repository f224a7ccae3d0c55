/** What writers declare holds in every case, through the tools alone. */
import { expect, it } from 'vitest';
import { LONG } from '../../../support/run-tree.ts';
import { DECLARED, declared } from './declared.ts';
import { carriedOut } from './world.ts';

const SEEDS = LONG ? ['31', '57'] : ['31'];
const CASES = LONG ? 28 : 12;

it.each(DECLARED)('%s: every case', { timeout: 300_000 }, async (section) => {
  const wrong: string[] = [];
  for (const one of SEEDS.flatMap((seed) => declared(section, seed, CASES)))
    for (const { check, is, holds } of await carriedOut(one))
      if (!holds) wrong.push(`${one.name}: ${check.of} is ${is}, not ${check.state} ("${check.query}")`);
  expect(wrong).toEqual([]);
});
