/**
 * What happens in one run of chaos, drawn from the seed before anything starts: a list that can be printed, and
 * followed again. When exactly a blow lands in the work of the processes is the machine's part of the chance.
 */
import { Random } from './random.ts';

export interface Cast {
  /** Nothing but the host's death ever happens to these: one run each, from the first to the last moment. */
  steady: string[];
  /** Their processes and shims are killed; the policy brings them back. */
  fragile: string[];
  /** Restarted by the operator and by edits of the file. */
  volatile: string[];
  /** Claude Code on the scripted model: told things, taken over and given back. */
  talkers: string[];
  /** Those of them whose engine and shim are killed as well: what they had not read by then may be unknown. */
  mortal: string[];
}

export type Act =
  | { do: 'nothing' }
  | { do: 'inject'; agent: string; shape: 'say' | 'slow' | 'store' }
  | { do: 'takeover'; agent: string; when: 'boundary' | 'now' }
  | { do: 'handback'; agent: string }
  | { do: 'restart'; agent: string }
  | { do: 'pause' | 'hold'; agent: string }
  /** Whoever is paused or held. */
  | { do: 'resume' }
  | { do: 'edit'; what: 'live' | 'restarting' | 'guest' | 'broken' }
  | { do: 'kill'; what: 'bridge' | 'engine' | 'shim'; agent: string }
  | { do: 'freeze'; for_ms: number }
  | { do: 'stall'; agent: string };

export interface Step {
  act: Act;
  /** Then the host is killed, this long after the act was begun; null: it lives on. */
  hostDies_ms: number | null;
  /** The next host is killed this long after it took the state directory, and a third one started; null: it lives. */
  successorDies_ms: number | null;
  /** Until the next step. */
  rest_ms: number;
}

export interface Plan {
  seed: string;
  cast: Cast;
  steps: Step[];
}

export function castOf(agents: number, talkers: number): Cast {
  const numbered = Math.max(3, agents - talkers);
  const fragile = Math.max(1, Math.floor(numbered / 5));
  const volatile = Math.max(1, Math.floor(numbered / 5));
  const names = (kind: string, count: number) => Array.from({ length: count }, (_, n) => `${kind}-${n}`);
  return {
    steady: names('steady', numbered - fragile - volatile),
    fragile: names('fragile', fragile),
    volatile: names('volatile', volatile),
    talkers: names('talker', talkers),
    mortal: names('talker', talkers)
      .slice(1)
      .slice(0, Math.ceil(talkers / 2)),
  };
}

/** @param kills how often a host dies before the schedule ends */
export function drawPlan(seed: string, cast: Cast, kills: number): Plan {
  const random = new Random(seed);
  const steps: Step[] = [];
  let left = kills;
  while (left > 0) {
    const dies = random.next() < 0.8;
    const again = dies && left > 1 && random.next() < 0.25;
    steps.push({
      act: drawAct(random, cast),
      hostDies_ms: dies ? random.between(0, random.pick([30, 300, 1_500])) : null,
      successorDies_ms: again ? random.between(0, random.pick([100, 700])) : null,
      rest_ms: random.between(0, 300),
    });
    left -= (dies ? 1 : 0) + (again ? 1 : 0);
  }
  return { seed, cast, steps };
}

function drawAct(random: Random, cast: Cast): Act {
  const anybody = [...cast.steady, ...cast.fragile, ...cast.volatile];
  const talk = cast.talkers.length > 0 ? 1 : 0;
  switch (
    random.weighted({
      nothing: 3,
      inject: 5 * talk,
      takeover: 2 * talk,
      handback: 2 * talk,
      pause: 1,
      hold: talk,
      resume: 2,
      restart: 2,
      edit: 3,
      kill: 3,
      freeze: 1,
      stall: 1,
    })
  ) {
    case 'nothing':
      return { do: 'nothing' };
    case 'inject':
      return {
        do: 'inject',
        agent: random.pick(cast.talkers),
        shape: random.weighted({ say: 2, slow: 1, store: 2 }),
      };
    case 'takeover':
      return { do: 'takeover', agent: random.pick(cast.talkers), when: random.pick(['boundary', 'now']) };
    case 'handback':
      return { do: 'handback', agent: random.pick(cast.talkers) };
    case 'restart':
      return { do: 'restart', agent: random.pick(cast.volatile) };
    case 'pause':
      return { do: 'pause', agent: random.pick([...cast.steady, ...cast.talkers]) };
    case 'hold':
      return { do: 'hold', agent: random.pick(cast.talkers) };
    case 'resume':
      return { do: 'resume' };
    case 'edit':
      return { do: 'edit', what: random.weighted({ live: 2, restarting: 2, guest: 2, broken: 1 }) };
    case 'kill': {
      const what = random.weighted({ bridge: 3, engine: 2, shim: 1 });
      return {
        do: 'kill',
        what,
        agent: random.pick(
          what === 'bridge' ? [...anybody, ...cast.talkers] : [...cast.fragile, ...cast.mortal],
        ),
      };
    }
    case 'freeze':
      return { do: 'freeze', for_ms: random.between(50, 2_000) };
    case 'stall':
      return { do: 'stall', agent: random.pick(anybody) };
  }
}

export function describe(step: Step, index: number): string {
  const { do: verb, ...rest } = step.act;
  const dies = step.hostDies_ms === null ? '' : `; host dies after ${step.hostDies_ms} ms`;
  const again = step.successorDies_ms === null ? '' : `, the next one after ${step.successorDies_ms} ms`;
  return `${index}: ${verb} ${Object.values(rest).join(' ')}${dies}${again}`;
}
