/** Messages to the talkers: each is posted until a host has accepted it, in the order they were thought of. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { AetherError } from '../../src/host/errors.ts';
import { aether, call, type LiveFleet } from '../support/live-fleet.ts';
import type { Cast } from './cast.ts';
import { cutOff } from './host.ts';
import type { Priority, Shape } from './schedule.ts';

const ACCEPTED_MS = 90_000;

export interface Note {
  id: string;
  agent: string;
  number: number;
  priority: Priority;
  text: string;
}

/** Of all notes: for looking through what a model was told. */
export const NOTE = /note#(\d+);/g;

export class Notes {
  readonly all: Note[] = [];
  readonly #fleet: LiveFleet;
  readonly #cast: Cast;
  readonly #toolLedger: string;
  readonly #complain: (text: string) => void;
  readonly #posting = new Map<string, Promise<void>>();

  /** @param toolLedger a file that the tools of notes write to, a line for each time one runs */
  constructor(fleet: LiveFleet, cast: Cast, toolLedger: string, complain: (text: string) => void) {
    this.#fleet = fleet;
    this.#cast = cast;
    this.#toolLedger = toolLedger;
    this.#complain = complain;
  }

  /** The same id again is the same message: that is what makes it safe to ask twice. */
  write(agent: string, shape: Shape, priority: Priority): { note: Note; accepted: Promise<void> } {
    const number = this.all.length;
    const mark = `note#${number};`;
    const note: Note = { id: randomUUID(), agent, number, priority, text: mark };
    this.all.push(note);
    const before = this.#posting.get(agent) ?? Promise.resolve();
    const accepted = before.then(() => this.#post(note, `${mark} ${this.#script(agent, number, shape)}`));
    this.#posting.set(agent, accepted);
    return { note, accepted };
  }

  async through(): Promise<void> {
    await Promise.all(this.#posting.values());
  }

  /** How far it has come; null while no host answers. */
  async state(note: Note): Promise<string | null> {
    try {
      return (await this.#fleet.withHost((client) => client.call('injection', { id: note.id }))).state;
    } catch (error) {
      if (cutOff(error)) return null;
      throw error;
    }
  }

  #script(agent: string, number: number, shape: Shape): string {
    const slowly = `[[slow 40 ${'and so on '.repeat(7)}]]`;
    const claw = this.#cast.claws.includes(agent);
    const fact = { text: `talk:${agent}:${number}` };
    const store = claw ? call('aether__aether_memory_store', fact) : aether('memory_store', fact);
    const command = `echo tool:${number}: | tee -a ${this.#toolLedger}; sleep 0.5`;
    const shell = claw ? call('exec', { command }) : call('Bash', { command, description: 'takes a moment' });
    return {
      say: `[[say heard ${number}]]`,
      slow: slowly,
      long: `[[slow 100 ${'and so on '.repeat(10)}]]`,
      store: `${store} [[say stored ${number}]]`,
      tool: `${shell} [[say ran ${number}]]`,
      stand: `${slowly} ${store} [[say stored ${number}]]`,
    }[shape];
  }

  async #post({ id, agent, number, priority }: Note, text: string): Promise<void> {
    const end = Date.now() + ACCEPTED_MS;
    for (;;) {
      try {
        await this.#fleet.withHost((client) => client.call('inject', { agent: agent, text, id, priority }));
        return;
      } catch (error) {
        const passing = cutOff(error) || (error instanceof AetherError && error.code === 'host.disk-full');
        if (!passing || Date.now() > end) {
          this.#complain(`note ${number} to ${agent} was not accepted: ${String(error)}`);
          return;
        }
        await sleep(50);
      }
    }
  }
}
