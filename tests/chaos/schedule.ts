/**
 * What happens in one run of chaos, drawn from the seed before anything starts: a list that can be printed, and
 * followed again. When exactly a blow lands in the work of the processes is the machine's part of the chance.
 */
import type { Cast } from './cast.ts';
import { Random } from './random.ts';

/** What a message leads to: `long` has the model answer for seconds, `tool` runs a command, `stand` calls a tool after a while, so that it can be held there. */
export type Shape = 'say' | 'slow' | 'long' | 'store' | 'tool' | 'stand';
export type Priority = 'now' | 'next' | 'later';

export interface Message {
  do: 'inject';
  agent: string;
  shape: Shape;
  priority: Priority;
}

export interface Kill {
  do: 'kill';
  what: 'bridge' | 'engine' | 'shim';
  agent: string;
}

export type Act =
  | { do: 'nothing' }
  | Message
  | { do: 'takeover'; agent: string; when: 'boundary' | 'now' }
  | { do: 'handback'; agent: string }
  | { do: 'restart'; agent: string }
  | { do: 'pause' | 'hold'; agent: string }
  /** A call that comes to the gate is kept there. */
  | { do: 'stand'; agent: string }
  /** Whoever is paused or held. */
  | { do: 'resume' }
  /** Every question that is open. */
  | { do: 'answer' }
  | { do: 'edit'; what: 'live' | 'restarting' | 'guest' | 'broken' }
  | Kill
  /** The gateway of an OpenClaw dies in the midst of a turn; its engine is the driver beside it. */
  | { do: 'gateway'; agent: string }
  /** A host that dies upon this dies while the model answers this OpenClaw. */
  | { do: 'turn'; agent: string }
  /** SIGSTOP of the host. */
  | { do: 'freeze'; for_ms: number }
  /** A socket that stalls: of a viewer who reads nothing, of a shim or a bridge that stands still. */
  | { do: 'stall'; what: 'viewer' | 'shim' | 'bridge'; agent: string; for_ms: number }
  /** The disk of the state directory is full. */
  | { do: 'fill'; for_ms: number }
  /** Somebody sets the host's clock. */
  | { do: 'clock'; ahead_s: number };

export interface Step {
  act: Act;
  /** Beside it: turns for the blows to come upon, and blows that come together. */
  aside: Message | Kill | null;
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

/** How many of the steps have a message beside them, and how many a killed engine or shim. */
const MESSAGES = 0.65;
const KILLS = 0.1;

/** Until when a blow comes upon an act that takes longer: until its call stands at the gate, its launch has begun. */
const MOMENTS_MS: Partial<Record<Act['do'], number[]>> = {
  stand: [1_000, 2_500],
  restart: [30, 1_500, 6_000],
  edit: [30, 1_500, 6_000],
};

/** A gateway takes tens of seconds to come back: blows that come faster would all hit agents that are starting. */
const REST_MS = 300;
const REST_WITH_GATEWAYS_MS = 6_000;

/** @param kills how often a host dies before the schedule ends */
export function drawPlan(seed: string, cast: Cast, kills: number): Plan {
  const random = new Random(seed);
  const asides = new Random(`${seed}, aside`);
  const steps: Step[] = [];
  let left = kills;
  while (left > 0) {
    const dies = random.next() < 0.8;
    const again = dies && left > 1 && random.next() < 0.25;
    const act = drawAct(random, cast);
    steps.push({
      act,
      aside: drawAside(asides, cast),
      hostDies_ms: dies ? random.between(0, random.pick(MOMENTS_MS[act.do] ?? [30, 300, 1_500])) : null,
      successorDies_ms: again ? random.between(0, random.pick([100, 700])) : null,
      rest_ms: random.between(0, cast.claws.length > 0 ? REST_WITH_GATEWAYS_MS : REST_MS),
    });
    left -= (dies ? 1 : 0) + (again ? 1 : 0);
  }
  return { seed, cast, steps };
}

function drawAside(random: Random, cast: Cast): Message | Kill | null {
  const chance = random.next();
  if (chance < KILLS) {
    const what = random.weighted({ engine: 3, shim: 2 });
    return { do: 'kill', what, agent: random.pick([...cast.fragile, ...cast.mortal]) };
  }
  return chance < KILLS + MESSAGES && cast.talkers.length > 0 ? drawMessage(random, cast) : null;
}

function drawMessage(random: Random, cast: Cast): Message {
  return {
    do: 'inject',
    agent: random.pick(cast.talkers),
    shape: random.weighted({ say: 1, slow: 2, store: 2, tool: 2 }),
    priority: random.weighted({ now: 1, next: 4, later: 3 }),
  };
}

function drawAct(random: Random, cast: Cast): Act {
  const anybody = [...cast.steady, ...cast.fragile, ...cast.volatile];
  const talk = cast.talkers.length > 0 ? 1 : 0;
  switch (
    random.weighted({
      nothing: 2,
      inject: 6 * talk,
      takeover: 2 * talk,
      handback: 2 * talk,
      pause: 1,
      hold: talk,
      stand: 2 * talk,
      resume: 3,
      answer: 2,
      restart: 2,
      edit: 3,
      kill: 3,
      freeze: 1,
      stall: 2,
      fill: 1,
      clock: 1,
      gateway: cast.claws.length > 1 ? 5 : 0,
      turn: cast.claws.length > 0 ? 5 : 0,
    })
  ) {
    case 'nothing':
      return { do: 'nothing' };
    case 'inject':
      return drawMessage(random, cast);
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
    case 'stand':
      return { do: 'stand', agent: random.pick(cast.talkers) };
    case 'resume':
      return { do: 'resume' };
    case 'answer':
      return { do: 'answer' };
    case 'edit':
      return { do: 'edit', what: random.weighted({ live: 2, restarting: 2, guest: 2, broken: 1 }) };
    case 'kill': {
      const what = random.weighted({ bridge: 3, engine: 3, shim: 2 });
      return {
        do: 'kill',
        what,
        agent: random.pick(
          what === 'bridge' ? [...anybody, ...cast.talkers] : [...cast.fragile, ...cast.mortal],
        ),
      };
    }
    case 'turn':
      return { do: 'turn', agent: random.pick(cast.claws) };
    case 'gateway':
      return { do: 'gateway', agent: random.pick(cast.claws.filter((name) => cast.mortal.includes(name))) };
    case 'freeze':
      return { do: 'freeze', for_ms: random.between(50, 2_000) };
    case 'stall':
      return {
        do: 'stall',
        what: random.pick(['viewer', 'shim', 'bridge']),
        agent: random.pick(anybody),
        for_ms: random.between(50, 2_000),
      };
    case 'fill':
      return { do: 'fill', for_ms: random.between(100, 2_500) };
    case 'clock':
      // Hours: days would make old what retention keeps for days.
      return {
        do: 'clock',
        ahead_s: random.pick([-1, 1]) * random.between(1, random.pick([5, 600, 20_000])),
      };
  }
}

export function describe(step: Step, index: number): string {
  const { do: verb, ...rest } = step.act;
  const { aside } = step;
  const beside =
    aside === null ? '' : ` (and ${aside.do === 'kill' ? `kill ${aside.what}` : aside.shape} ${aside.agent})`;
  const dies = step.hostDies_ms === null ? '' : `; host dies after ${step.hostDies_ms} ms`;
  const again = step.successorDies_ms === null ? '' : `, the next one after ${step.successorDies_ms} ms`;
  return `${index}: ${verb} ${Object.values(rest).join(' ')}${beside}${dies}${again}`;
}
