/** What writers declare holds in every case, through the tools alone. */
import { expect, it } from 'vitest';
import { DECLARED, declared } from './declared.ts';
import { carriedOut } from './world.ts';

it.each(DECLARED)('%s: every case of two seeds', { timeout: 300_000 }, async (section) => {
  const wrong: string[] = [];
  for (const one of ['31', '57'].flatMap((seed) => declared(section, seed, 28)))
    for (const { check, is, holds } of await carriedOut(one))
      if (!holds) wrong.push(`${one.name}: ${check.of} is ${is}, not ${check.state} ("${check.query}")`);
  expect(wrong).toEqual([]);
});
