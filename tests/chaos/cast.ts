/** Who takes part in a run of chaos, what may be done to each, and how each behaves. */

/**
 * How a teller behaves beside telling: it cuts its output anywhere (ragged), prints more at once than a pipe holds
 * (flood), is deaf to polite signals, as all but calm ones are (stubborn), has daemons without environment or
 * session (daemons), has new children while it is being killed (breeder).
 */
export type Manners = 'calm' | 'ragged' | 'flood' | 'stubborn' | 'daemons' | 'breeder';

export interface Cast {
  /** Nothing but the host's death and a pause ever happens to these: one run each, from the first to the last moment. */
  steady: string[];
  /** Their processes and shims are killed; the policy brings them back. */
  fragile: string[];
  /** Restarted by the operator and by edits of the file. */
  volatile: string[];
  /** Claude Code, and OpenClaw, on the scripted model: told things, taken over and given back. */
  talkers: string[];
  /** Those of them that are OpenClaw. */
  claws: string[];
  /** Those of them whose engine, gateway and shim are killed as well: what they had not read by then may be unknown. */
  mortal: string[];
  /** Tellers that print into pipes, as an engine does; the others have a terminal. */
  onPipes: string[];
  manners: Record<string, Manners>;
}

/** The first is never touched. */
const mortalOf = (talkers: string[]) => talkers.slice(1).slice(0, Math.ceil(talkers.length / 2));

const STEADY: Manners[] = ['calm', 'ragged', 'flood', 'daemons', 'flood'];
const FRAGILE: Manners[] = ['daemons', 'ragged', 'calm'];
const VOLATILE: Manners[] = ['stubborn', 'breeder', 'daemons'];
/** They come and go with edits of the file. */
export const GUESTS = ['guest-0', 'guest-1'];

/** @param claws how many of the agents are OpenClaw, besides the talkers that are Claude Code */
export function castOf(agents: number, talkers: number, claws = 0): Cast {
  const numbered = Math.max(3, agents - talkers - claws);
  const some = Math.max(1, Math.floor(numbered / 5));
  const names = (kind: string, count: number) => Array.from({ length: count }, (_, n) => `${kind}-${n}`);
  const steady = names('steady', numbered - 2 * some);
  const fragile = names('fragile', some);
  const volatile = names('volatile', some);
  const behave = (group: string[], manners: Manners[]) =>
    group.map((name, n): [string, Manners] => [name, manners[n % manners.length]!]);
  return {
    steady,
    fragile,
    volatile,
    talkers: [...names('talker', talkers), ...names('claw', claws)],
    claws: names('claw', claws),
    mortal: [...mortalOf(names('talker', talkers)), ...mortalOf(names('claw', claws))],
    onPipes: [...steady, ...fragile, ...volatile].filter((name) => Number(name.split('-')[1]) % 2 === 1),
    manners: Object.fromEntries([
      ...behave(steady, STEADY),
      ...behave(fragile, FRAGILE),
      ...behave(volatile, VOLATILE),
      ...behave(GUESTS, ['stubborn', 'calm']),
    ]),
  };
}
