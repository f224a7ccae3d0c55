/**
 * Cases in which no writer says what a note rests on: a run is shown facts, stores conclusions of some and notes about
 * other things, and then one of the facts changes.
 */
import { Random } from '../../../chaos/random.ts';
import { ASIDES, ATTRIBUTES, filled, PEOPLE, some, THINGS } from './matter.ts';
import type { Case, Check, Step } from './world.ts';

export function undeclared(seed: string, count: number): Case[] {
  const random = new Random(seed);
  return Array.from({ length: count }, (_, n) => undeclaredCase(random, `undeclared ${seed} ${n}`));
}

function undeclaredCase(random: Random, name: string): Case {
  const things = some(random, THINGS, 4);
  const facts = things.flatMap((thing) =>
    some(random, ATTRIBUTES, 3).map((attribute) => {
      const [value, next] = some(random, attribute.values, 2) as [string, string];
      const as = `${thing} ${attribute.query}`;
      return { thing, attribute, value, next, as, key: `${thing}/${attribute.query.slice(2)}`.toLowerCase() };
    }),
  );
  const stores: Step[] = facts.map(({ thing, attribute, value, as, key }) => ({
    ...{ do: 'store', as, key, scope: 'fleet', run: 'bob 1', from: [] as string[] },
    text: filled(attribute.fact, thing, value),
  }));
  const [changing, ...others] = some(random, facts, 3);
  const shown = some(random, [changing!, ...others], 3);
  const searches: Step[] = shown.map(({ thing, attribute }) => ({
    do: 'search',
    query: attribute.query.replace('E', thing),
  }));
  const notes: { step: Step & { do: 'store' }; rests: boolean }[] = [];
  const note = (text: string, rests: boolean) =>
    notes.push({ step: { do: 'store', as: `note ${notes.length}`, text }, rests });
  for (const { thing, attribute, value, as } of [changing!, changing!, ...others])
    note(filled(random.pick(attribute.conclusions), thing, value), as === changing!.as);
  for (const aside of some(random, ASIDES, 3))
    note(filled(aside, random.pick(things), '', random.pick(PEOPLE)), false);
  const distinct = notes.filter(
    ({ step }, at) => notes.findIndex((one) => one.step.text === step.text) === at,
  );
  const change: Step = {
    ...{ do: 'store', as: 'changed', key: changing!.key, scope: 'fleet', run: 'bob 2', from: [] as string[] },
    text: filled(changing!.attribute.fact, changing!.thing, changing!.next),
  };
  const checks = distinct.map(
    ({ step, rests }): Check => ({ of: step.as, query: step.text, state: rests ? 'marked' : 'live' }),
  );
  return {
    name,
    steps: [...stores, ...searches, ...some(random, distinct, 10).map(({ step }) => step), change],
    checks,
  };
}
