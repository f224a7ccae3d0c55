/**
 * Every MCP call goes through here: grant → authority → receipt → effect → event. A writing call happens once per
 * (caller, bridge instance, sequence): its receipt is written in the transaction of the effect and its events, and a
 * repeat (a bridge that lost its connection, a host that died after the commit) is answered from it. Every call is
 * in the event log, refused and failed ones too. All checks are required, so a host that forgets one does not
 * compile.
 */
import type { Caller } from '../api.ts';
import type { Clock } from '../clock.ts';
import { AetherError, toWireError } from '../errors.ts';
import type { Events } from '../events/events.ts';
import { type CallKey, CallTable } from '../store/calls.ts';
import type { Store } from '../store/store.ts';
import type { AfterCommit, Call, HowEnded, Waiting } from './call.ts';
import type { Nouns } from './nouns.ts';

export interface LedgerOptions {
  store: Store;
  clock: Clock;
  events: Pick<Events, 'append'>;
  nouns: Nouns;
  /** A client that calls anything has a mailbox from then on. */
  clientSeen(name: string): void;
  /** Throws where a sender that the caller's turn follows may not call this tool. */
  authority(caller: Caller, tool: string): void;
}

export type Effect<T> =
  /** Changes nothing, so it needs no receipt; may be awaited, and read in a worker thread. */
  | { kind: 'read'; run(nouns: Nouns, call: Call): T | Promise<T> }
  /** Synchronous, in one transaction with its receipt, its events and its row in the log. */
  | { kind: 'write'; run(nouns: Nouns, call: Call): T }
  /** Opens and settles in a transaction each, and waits outside of any. */
  | { kind: 'wait'; run(nouns: Nouns, call: Call): Waiting<T> };

const atOnce = (then: AfterCommit) => {
  void then();
};

const inTransaction = (write: () => void) => write();

export class Ledger {
  readonly #o: LedgerOptions;
  readonly #calls: CallTable;

  constructor(options: LedgerOptions) {
    this.#o = options;
    this.#calls = new CallTable(options.store);
  }

  /** @param signal aborts with the reason 'cancelled' or 'disconnected' */
  call<T>(caller: Caller, tool: string, effect: Effect<T>, signal: AbortSignal): T | Promise<T> {
    const started = performance.now();
    const log = (error: string | null) => this.#log(caller, tool, started, error);
    switch (effect.kind) {
      case 'read':
        return this.#read(caller, tool, log, effect.run);
      case 'write':
        return this.#checked(caller, tool, log, () => this.#write(caller, tool, log, effect.run));
      case 'wait':
        return this.#wait(caller, tool, log, effect.run, signal);
    }
  }

  #read<T>(
    caller: Caller,
    tool: string,
    log: (error: string | null) => void,
    run: (nouns: Nouns, call: Call) => T | Promise<T>,
  ): T | Promise<T> {
    return this.#checked(caller, tool, log, () => {
      const left: (() => void)[] = [];
      const leaves = (write: () => void) => void left.push(write);
      const answered = (value: T): T => {
        this.#o.store.transaction(() => {
          for (const write of left) write();
          log(null);
        });
        return value;
      };
      const result = run(this.#o.nouns, { ...caller, afterCommit: atOnce, leaves });
      if (!(result instanceof Promise)) return answered(result);
      return result.then(answered, (error: unknown) => {
        log(toWireError(error).code);
        throw error;
      });
    });
  }

  #write<T>(
    caller: Caller,
    tool: string,
    log: (error: string | null) => void,
    run: (nouns: Nouns, call: Call) => T,
  ): T | Promise<T> {
    const key: CallKey = { caller: caller.principal, instance: caller.instance, sequence: caller.sequence };
    const after: AfterCommit[] = [];
    const result = this.#o.store.transaction(() => {
      const receipt = this.#calls.get(key);
      if (receipt !== null) return receiptOf<T>(receipt, tool, caller);
      const done = run(this.#o.nouns, {
        ...caller,
        afterCommit: (then) => after.push(then),
        leaves: inTransaction,
      });
      log(null);
      this.#calls.insert(key, tool, done, this.#o.clock.now());
      if (caller.settled !== undefined) this.#calls.settle({ ...key, sequence: caller.settled });
      return done;
    });
    const more = after.map((then) => then()).filter((one) => one instanceof Promise);
    if (more.length === 0) return result;
    return Promise.all(more).then((fields) => {
      const whole = Object.assign({}, result, ...fields) as T;
      this.#calls.replace(key, whole);
      return whole;
    });
  }

  async #wait<T>(
    caller: Caller,
    tool: string,
    log: (error: string | null) => void,
    run: (nouns: Nouns, call: Call) => Waiting<T>,
    signal: AbortSignal,
  ): Promise<T> {
    const { store, nouns } = this.#o;
    const waiting = this.#checked(caller, tool, log, () =>
      store.transaction(() => run(nouns, { ...caller, afterCommit: atOnce, leaves: inTransaction })),
    );
    if (waiting.until !== null) await waiting.until(signal);
    const how: HowEnded = !signal.aborted
      ? 'done'
      : signal.reason === 'cancelled'
        ? 'cancelled'
        : 'disconnected';
    // The connection is gone: the answer reaches no client, and the call comes again.
    if (how === 'disconnected') return waiting.settle(how);
    return store.transaction(() => {
      const result = waiting.settle(how);
      log(how === 'done' ? null : 'call.cancelled');
      return result;
    });
  }

  /** Grant and authority, then the body; a refusal or failure is logged before it is thrown on. */
  #checked<T>(caller: Caller, tool: string, log: (error: string | null) => void, body: () => T): T {
    try {
      if (caller.principal.startsWith('client:')) {
        this.#o.clientSeen(caller.principal.slice('client:'.length));
      }
      requireGrant(caller, tool);
      this.#o.authority(caller, tool);
      return body();
    } catch (error) {
      log(toWireError(error).code);
      throw error;
    }
  }

  #log({ principal, agent, run, toolUseId }: Caller, tool: string, started: number, error: string | null) {
    this.#o.events.append({
      topic: 'mcp.called',
      agent,
      run,
      principal,
      grade: 'observed',
      data: {
        tool,
        ...(toolUseId === undefined ? {} : { toolUseId }),
        ms: Math.round((performance.now() - started) * 100) / 100,
        ok: error === null,
        ...(error === null ? {} : { error }),
      },
    });
  }
}

function requireGrant(caller: Caller, tool: string): void {
  if (caller.grants === null || caller.grants.includes(tool)) return;
  const who = caller.agent ?? 'NAME';
  throw new AetherError({
    code: 'tool.not-granted',
    who: 'config',
    message: `${caller.principal} is not granted ${tool}.`,
    next: `The operator can add ${tool} to agents.${who}.tools in aether.yaml. Go on without it, or ask for it.`,
  });
}

function receiptOf<T>(receipt: { tool: string; result: unknown }, tool: string, caller: Caller): T {
  if (receipt.tool === tool) return receipt.result as T;
  throw new AetherError({
    code: 'call.sequence-reused',
    who: 'runtime',
    message: `Request ${caller.sequence} of this bridge was ${receipt.tool} before and is ${tool} now.`,
    next: 'Restart the MCP server process of this client; a bridge never numbers two requests the same.',
  });
}
