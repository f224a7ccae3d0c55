/**
 * Cases in which writers say what they do: facts that are updated, forgotten, contradicted or expire, and conclusions that
 * name what they rest on, over one to four hops.
 */
import { Random } from '../../../chaos/random.ts';
import { ATTRIBUTES, filled, some, THINGS } from './matter.ts';
import type { Case, Check, Step } from './world.ts';

const SECTIONS = { updates, deletions, contradictions, times, cascades };
export type DeclaredSection = keyof typeof SECTIONS;
export const DECLARED = Object.keys(SECTIONS) as DeclaredSection[];

export function declared(section: DeclaredSection, seed: string, count: number): Case[] {
  const random = new Random(`${section} ${seed}`);
  return Array.from({ length: count }, (_, n) => ({
    name: `${section} ${seed} ${n}`,
    ...SECTIONS[section](random),
  }));
}

type Built = Omit<Case, 'name'>;

/** Facts about different things, each with another value that it could have. */
function facts(random: Random, count: number) {
  return some(random, THINGS, count).map((thing) => {
    const attribute = random.pick(ATTRIBUTES);
    const [value, next, third] = some(random, attribute.values, 3) as [string, string, string];
    const text = (of: string) => filled(attribute.fact, thing, of);
    const conclusion = filled(random.pick(attribute.conclusions), thing, value);
    const query = attribute.query.replace('E', thing);
    const key = `${thing}/${attribute.query.slice(2)}`.toLowerCase();
    return { thing, query, key, conclusion, first: text(value), next: text(next), third: text(third) };
  });
}

const store = (as: string, text: string, more: Partial<Extract<Step, { do: 'store' }>> = {}): Step => ({
  ...{ do: 'store', as, text, from: [] },
  ...more,
});

/** Others that nothing happens to: they stay as they are. */
function bystanders(random: Random, count: number): { steps: Step[]; checks: Check[] } {
  const all = facts(random, count);
  return {
    steps: all.map(({ first, thing }) => store(`bystander ${thing}`, first)),
    checks: all.map(({ thing, first }) => ({ of: `bystander ${thing}`, query: first, state: 'live' })),
  };
}

function updates(random: Random): Built {
  const [fact] = facts(random, 1) as [ReturnType<typeof facts>[0]];
  const { query, key, first, next, third } = fact;
  const others = bystanders(random, 2);
  const byKey = random.next() < 0.5;
  const scope = random.next() < 0.5 ? 'fleet' : 'agent';
  const replaced = (as: string) => (byKey ? { key, scope } : { supersedes: [as], scope }) as object;
  const steps = [
    store('one', first, byKey ? { key, scope } : { scope }),
    ...others.steps,
    store('two', next, replaced('one')),
    ...(random.next() < 0.5 ? [{ do: 'restart' } as Step] : []),
    store('three', third, replaced('two')),
  ];
  const states = { one: 'superseded', two: 'superseded', three: 'live' } as const;
  const checks = Object.entries(states).map(([of, state]) => ({ of, query, state, run: 'ada 2' }));
  return { steps, checks: [...checks, ...others.checks] };
}

function deletions(random: Random): Built {
  const [fact] = facts(random, 1) as [ReturnType<typeof facts>[0]];
  const { query, key, first, next, conclusion } = fact;
  const others = bystanders(random, 2);
  const steps: Step[] = [
    store('one', first, { key }),
    ...others.steps,
    store('two', next, { key }),
    store('rests', conclusion, { from: ['two'] }),
    { do: 'forget', what: 'two' },
    ...(random.next() < 0.5 ? [{ do: 'restart' } as Step] : []),
  ];
  const checks: Check[] = [
    { of: 'one', query, state: 'forgotten' },
    { of: 'two', query, state: 'forgotten' },
    { of: 'rests', query: conclusion, state: 'stale' },
  ];
  return { steps, checks: [...checks, ...others.checks] };
}

function contradictions(random: Random): Built {
  const [fact] = facts(random, 1) as [ReturnType<typeof facts>[0]];
  const { query, key, first, next, third } = fact;
  const others = bystanders(random, 2);
  const byKey = random.next() < 0.5;
  const settled = random.next() < 0.4;
  const steps = [
    ...others.steps,
    store('one', first, byKey ? { key, scope: 'fleet', run: 'bob 1' } : { scope: 'fleet', run: 'bob 1' }),
    store('two', next, byKey ? { key } : { contradicts: ['one'] }),
    ...(settled ? [store('three', third, { supersedes: ['one', 'two'] })] : []),
  ];
  const checks: Check[] = ['one', 'two'].map((of) => ({
    of,
    query,
    state: settled ? 'superseded' : 'contradicted',
  }));
  if (settled) checks.push({ of: 'three', query, state: 'live' });
  return { steps, checks: [...checks, ...others.checks] };
}

const DAY_MS = 86_400_000;

function times(random: Random): Built {
  const [fact] = facts(random, 1) as [ReturnType<typeof facts>[0]];
  const { query, first, conclusion } = fact;
  const others = bystanders(random, 2);
  const days = random.between(1, 40);
  const over = random.next() < 0.6;
  const steps: Step[] = [
    store('brief', first, { expires: `${days}d` }),
    store('rests', conclusion, { from: ['brief'] }),
    ...others.steps,
    { do: 'wait', ms: days * DAY_MS + (over ? 0 : -60_000) },
    ...(random.next() < 0.5 ? [{ do: 'restart' } as Step] : []),
  ];
  const back: Step[] =
    over && random.next() < 0.3
      ? [
          { do: 'search', query },
          { do: 'wait', ms: -DAY_MS },
        ]
      : [];
  const checks: Check[] = [
    { of: 'brief', query, state: over ? 'expired' : 'live' },
    { of: 'rests', query: conclusion, state: over ? 'stale' : 'live' },
  ];
  return { steps: [...steps, ...back], checks: [...checks, ...others.checks] };
}

/** A chain of one to four hops, with a branch beside it and a note that rests on something else. */
function cascades(random: Random): Built {
  const [base, side] = facts(random, 2) as [ReturnType<typeof facts>[0], ReturnType<typeof facts>[0]];
  const hops = random.between(1, 4);
  const others = bystanders(random, 1);
  const steps: Step[] = [
    store('hop 0', base.first, { key: base.key }),
    store('side', side.first, { key: side.key }),
    ...others.steps,
  ];
  const checks: Check[] = [];
  for (let hop = 1; hop <= hops; hop += 1) {
    const text = `Step ${hop} of the plan for ${base.thing}: ${base.conclusion}`;
    const from = [`hop ${hop - 1}`, ...(random.next() < 0.3 ? ['side'] : [])];
    steps.push(store(`hop ${hop}`, text, { from, run: random.pick(['ada 1', 'ada 2']) }));
    checks.push({ of: `hop ${hop}`, query: text, state: 'stale' });
  }
  steps.push(store('apart', side.conclusion, { from: ['side'] }));
  const what = random.pick(['key', 'supersedes', 'forget'] as const);
  if (what === 'forget') steps.push({ do: 'forget', what: 'hop 0' });
  else
    steps.push(store('changed', base.next, what === 'key' ? { key: base.key } : { supersedes: ['hop 0'] }));
  checks.push(
    { of: 'apart', query: side.conclusion, state: 'live' },
    { of: 'side', query: side.query, state: 'live' },
    { of: 'hop 0', query: base.query, state: what === 'forget' ? 'forgotten' : 'superseded' },
  );
  return { steps, checks: [...checks, ...others.checks] };
}
