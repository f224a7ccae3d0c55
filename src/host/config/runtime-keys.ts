/** What the definitions of the runtimes add to aether.yaml: their names, their keys, their models and providers. */
import type { OwnKey } from '../../runtimes/definition.ts';
import { RUNTIMES } from '../../runtimes/installed.ts';

export const RUNTIME_NAMES = RUNTIMES.map(({ name }) => name);

/** Key → runtimes that take it. Two may take one key; the schema is that of the first. */
const OWNERS = new Map<string, { key: OwnKey; runtimes: string[] }>();
for (const { name, config } of RUNTIMES)
  for (const [key, own] of Object.entries(config.keys)) {
    const known = OWNERS.get(key);
    if (known === undefined) OWNERS.set(key, { key: own, runtimes: [name] });
    else known.runtimes.push(name);
  }

export const OWN_KEYS: readonly string[] = [...OWNERS.keys()];

export function ownKey(key: string): OwnKey | undefined {
  return OWNERS.get(key)?.key;
}

/** Runtimes that take it; empty for a key of every agent. */
export function ownersOf(key: string): readonly string[] {
  return OWNERS.get(key)?.runtimes ?? [];
}

/** Names for `auth: { provider }`. */
export const PROVIDER_NAMES = [
  ...new Set(RUNTIMES.flatMap(({ config }) => Object.keys(config.login.providers))),
];

/** 'claude-code, builtin (a small loop …), or command (…)'. */
export function describeRuntimes(): string {
  return listed(RUNTIMES.map(({ name, about }) => (about === null ? name : `${name} (${about})`)));
}

/** What `model:` takes, for the runtimes that read it themselves. */
export function describeModels(): string {
  return RUNTIMES.flatMap(({ name, config }) =>
    config.modelForms === null ? [] : [` ${name}: ${config.modelForms.description}.`],
  ).join('');
}

export function modelExamples(): string[] {
  return ['sonnet', ...RUNTIMES.flatMap(({ config }) => config.modelForms?.example ?? [])];
}

/** The runtime to which alone a model of this form means something. */
export function modelOwner(model: string): { runtime: string; what: string } | null {
  for (const { name, config } of RUNTIMES)
    if (config.modelPrefix !== undefined && model.startsWith(config.modelPrefix.prefix))
      return { runtime: name, what: config.modelPrefix.what };
  return null;
}

function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')}, or ${words.at(-1)}`;
}
