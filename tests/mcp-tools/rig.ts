/**
 * The part of a host that serves tools, real throughout: a database file, the event log, the domain rooms, the
 * doors. Opening it twice on one directory, one after the other, is a host that was restarted.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Actor, Caller, MemoryView, MessageView, Principal } from '../../src/host/api.ts';
import { Approvals } from '../../src/host/approvals/approvals.ts';
import { type Clock, systemClock } from '../../src/host/clock.ts';
import { Events } from '../../src/host/events/events.ts';
import { randomIds } from '../../src/host/ids.ts';
import { Ledger } from '../../src/host/ledger/ledger.ts';
import { type ListedAgent, nounsOf } from '../../src/host/ledger/nouns.ts';
import { openLog } from '../../src/host/log.ts';
import { Mailboxes } from '../../src/host/mailboxes/mailboxes.ts';
import { Memory } from '../../src/host/memory/memory.ts';
import { Store } from '../../src/host/store/store.ts';
import { catalog } from '../../src/mcp-tools/catalog.ts';
import type { Tool, ToolLedger } from '../../src/mcp-tools/tool.ts';
import { openClientDoor } from '../../src/mcp-tools/transports/client-door.ts';
import type { Door, DoorLimits } from '../../src/mcp-tools/transports/door.ts';
import { openRunDoor } from '../../src/mcp-tools/transports/run-door.ts';
import { HostDouble } from '../support/host-double.ts';

export const AGENTS: ListedAgent[] = [
  { name: 'ada', runtime: 'builtin', state: 'running', activity: 'thinking', goal: 'Prove it' },
  { name: 'bob', runtime: 'command', state: 'stopped', activity: null, goal: null },
];

export function tempDir(): string {
  return fs.mkdtempSync(path.join(os.tmpdir(), 'ae-'));
}

export class Rig {
  readonly dir: string;
  readonly clock: Clock;
  readonly store: Store;
  readonly events: Events;
  readonly memory: Memory;
  readonly mailboxes: Mailboxes;
  readonly approvals: Approvals;
  readonly ledger: Ledger;
  readonly mail: { agent: string; message: MessageView }[] = [];
  readonly read: MessageView[] = [];
  readonly recalled: MemoryView[] = [];
  readonly asking: Caller[] = [];
  /** What the gate of a host decides; here a test does. */
  authority: (caller: Caller, tool: string) => void = () => {};
  senders: (caller: Caller) => Principal[] = () => [];
  readonly #doors: Door[] = [];

  constructor(dir: string, options: { clock?: Clock } = {}) {
    this.dir = dir;
    this.clock = options.clock ?? systemClock;
    this.store = new Store(path.join(dir, 'aether.db'));
    const parts = { store: this.store, clock: this.clock, ids: randomIds };
    this.events = new Events({ ...parts, log: openLog(undefined) });
    this.memory = new Memory({ ...parts, events: this.events });
    this.mailboxes = new Mailboxes({ ...parts, events: this.events });
    this.approvals = new Approvals({ ...parts, events: this.events });
    const { events, memory, mailboxes, approvals, clock } = this;
    this.ledger = new Ledger({
      ...parts,
      events,
      clientSeen: (name) => mailboxes.clientSeen(name),
      authority: (caller, tool) => this.authority(caller, tool),
      nouns: nounsOf({
        clock,
        events,
        memory,
        mailboxes,
        approvals,
        agents: () => AGENTS,
        verbs: () => new HostDouble(dir).verbs,
        senders: (caller) => this.senders(caller),
        onRecall: (_caller, memories) => this.recalled.push(...memories),
        onRead: (_caller, messages) => this.read.push(...messages),
        onAsking: (caller) => this.asking.push(caller),
        onMail: (agent, message) => this.mail.push({ agent, message }),
      }),
    });
  }

  /** As a client calls it, without the door. */
  call(
    tool: string,
    by: Caller,
    args: unknown = {},
    signal = new AbortController().signal,
    // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever came
  ): Promise<any> {
    return catalog.find(({ name }) => name === tool)!.call(this.ledger, by, args, signal);
  }

  get socketPath(): string {
    return path.join(this.dir, 'run.sock');
  }

  get clientSocketPath(): string {
    return path.join(this.dir, 'client.sock');
  }

  async openRunDoor(
    options: {
      ledger?: ToolLedger;
      grants?: () => string[] | null;
      admit?: () => true | string;
      limits?: DoorLimits;
      tools?: readonly Tool[];
      socketPath?: string;
    } = {},
  ): Promise<Door> {
    const door = await openRunDoor({
      ledger: this.ledger,
      version: '0.0.0-test',
      socketPath: this.socketPath,
      agent: 'ada',
      run: 'run_1',
      grants: () => null,
      admit: () => true,
      log: openLog(undefined),
      ...options,
    });
    this.#doors.push(door);
    return door;
  }

  async openClientDoor(): Promise<Door> {
    const door = await openClientDoor({
      ledger: this.ledger,
      version: '0.0.0-test',
      socketPath: this.clientSocketPath,
      admit: () => true,
      log: openLog(undefined),
    });
    this.#doors.push(door);
    return door;
  }

  /** Topics of the log, oldest first. */
  topics(): string[] {
    return this.events.list({}).map((event) => event.topic);
  }

  async close(): Promise<void> {
    await Promise.all(this.#doors.map((door) => door.close()));
    this.store.close();
  }
}

let calls = 0;

/** A call nobody made before, by the agent ada unless said otherwise. */
export function caller(overrides: Partial<Caller> = {}): Caller {
  calls += 1;
  const base = { principal: 'agent:ada', agent: 'ada', run: 'run_1', grants: null, instance: 'i1' } as const;
  return { ...base, sequence: calls, ...overrides };
}

export function clientCaller(name: string, overrides: Partial<Caller> = {}): Caller {
  return caller({ principal: `client:${name}`, agent: null, run: null, ...overrides });
}

/** A principal that acts outside any run. */
export const actor = (principal: Principal): Actor => ({
  principal,
  agent: principal.startsWith('agent:') ? principal.slice('agent:'.length) : null,
  run: null,
});

/** Waits until the condition holds; fails after `within_ms`. */
export async function until<T>(
  condition: () => T | undefined | false | null,
  within_ms = 10_000,
): Promise<T> {
  const end = Date.now() + within_ms;
  for (;;) {
    const value = condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`not within ${within_ms} ms: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
