/** What one attack is: a program of a hostile agent, what shows that it took what it wanted, and what is expected. */
import type { Topic } from '../../src/host/events/topics.ts';
import type { Scene } from './scene.ts';

/** Who confines the agents of a fleet, and whom the fleet runs as. */
export type Setting = 'none' | 'bubblewrap' | 'bubblewrap-user';
export const SETTINGS: readonly Setting[] = ['none', 'bubblewrap', 'bubblewrap-user'];

/** `untried`: here it would show nothing, or it would harm the machine that the suite runs on. */
export type Outcome = 'succeeds' | 'fails' | 'untried';

/** How the operator learns of the attempt. */
export type Trace =
  /** An event of this topic is appended while it runs. */
  | { event: Topic }
  /** The same, told once for a door and a reason: by this attempt or by an earlier one. */
  | { once: Topic }
  /** Neither, which is checked: no event that tells of it is appended. In words: why the host cannot see it. */
  | { invisible: string };

export interface Expected {
  outcome: Outcome;
  because: string;
  trace?: Trace;
}

export interface Attack {
  /** GROUP/NAME, in kebab-case. */
  name: string;
  /** The plain program, unless it is a command of an engine that asks before each: a Claude Code, an OpenClaw. */
  by?: 'asker' | 'claw';
  /** What the agent is after. */
  wants: string;
  /** Python, run by the agent in its workspace after programs/prelude.py. */
  program: string;
  /** What stands ready before it, made by the operator or by the machine. */
  before?(scene: Scene): Promise<void> | void;
  /** What the operator does once the program has called `ready()`; of `asker`, once it has ended. */
  meanwhile?(scene: Scene): Promise<void> | void;
  /** Looks from outside whether it got what it wants. */
  took(scene: Scene, printed: string): Promise<boolean> | boolean;
  /** Removes what it left on the machine. */
  after?(scene: Scene): Promise<void> | void;
  expected: { none: Expected; bubblewrap: Expected };
  /** Part of the short form in `npm test`. */
  short?: true;
}

export const succeeds = (because: string, trace?: Trace): Expected => ({
  outcome: 'succeeds',
  because,
  ...(trace ? { trace } : {}),
});
export const fails = (because: string, trace?: Trace): Expected => ({
  outcome: 'fails',
  because,
  ...(trace ? { trace } : {}),
});
export const untried = (because: string): Expected => ({ outcome: 'untried', because });

/** Traces that many attacks share. */
export const UNSEEN: Trace = {
  invisible: 'it ends in the kernel, inside the box: nothing of the host is asked',
};
export const SAME_USER: Trace = {
  invisible: 'the kernel lets one process of a user reach another, and tells no third',
};

/** The side of `expected` that a setting is judged by. */
export const expectedIn = (attack: Attack, setting: Setting): Expected =>
  attack.expected[setting === 'none' ? 'none' : 'bubblewrap'];
