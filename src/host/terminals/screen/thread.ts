/**
 * A thread with the screens of all terminals of the host: output of programs is hostile, large, and takes time that the
 * host's event loop does not have. It reads the journals itself.
 */
import { setPriority } from 'node:os';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { Follower } from './follower.ts';
import type { FromScreens, ToScreens } from './screen-protocol.ts';

const CHECKPOINT_MS = 2_000;
/** After so much at once a terminal is left alone for a moment: of much, most can be skipped. */
const FLOOD_BYTES = 128 * 1024;
const FLOOD_MS = 50;
/** A question waits no longer for the screen to be up to date. */
const ASK_MS = 400;
/** Below that of the thread that answers people. */
const NICENESS = 5;

interface Question {
  id: number;
  what: 'snapshot' | 'modes';
  to: number;
  until: number;
}

interface Terminal {
  follower: Follower;
  questions: Question[];
  /** It takes nothing before. */
  due: number;
}

class ScreenThread {
  readonly #port: MessagePort;
  readonly #name: string;
  readonly #terminals = new Map<string, Terminal>();
  #turn: NodeJS.Immediate | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(port: MessagePort, name: string) {
    this.#port = port;
    this.#name = name;
    port.on('message', (message: ToScreens) => this.#handle(message));
    setInterval(() => {
      for (const { follower } of this.#terminals.values()) follower.checkpoint();
    }, CHECKPOINT_MS).unref();
  }

  #send(message: FromScreens): void {
    this.#port.postMessage(message);
  }

  #handle(message: ToScreens): void {
    const known = this.#terminals.get(message.terminal);
    switch (message.type) {
      case 'open':
        this.#close(message.terminal);
        this.#open(message);
        break;
      case 'grown':
        known?.follower.grown(message.to);
        break;
      case 'look':
        known?.follower.look(message.look);
        break;
      case 'close':
        this.#close(message.terminal);
        break;
      case 'ask':
        if (known === undefined) {
          this.#send({ type: 'answered', id: message.id, value: null });
          break;
        }
        known.questions.push({ ...message, until: performance.now() + ASK_MS });
        known.due = 0;
        known.follower.grown(message.to);
        break;
    }
    this.#soon(0);
  }

  #open({ terminal, source, to, fresh, scrollback_lines_max }: Extract<ToScreens, { type: 'open' }>): void {
    const follower = new Follower({
      source,
      to,
      fresh,
      scrollback_lines_max,
      name: this.#name,
      now: Date.now,
      answer: (frame, text) => this.#send({ type: 'answer', terminal, frame, text }),
      failed: (why) => this.#send({ type: 'failed', terminal, why }),
    });
    this.#terminals.set(terminal, { follower, questions: [], due: 0 });
  }

  #close(key: string): void {
    const known = this.#terminals.get(key);
    this.#terminals.delete(key);
    known?.follower.close();
    for (const { id } of known?.questions ?? []) this.#send({ type: 'answered', id, value: null });
  }

  /** Each terminal that is behind takes a step; then messages are read again. */
  #work(): void {
    const now = performance.now();
    let next: number | null = null;
    for (const [key, terminal] of this.#terminals) {
      const { follower } = terminal;
      if (follower.behind && terminal.due <= now) {
        const read = follower.step();
        this.#send({ type: 'read', terminal: key, offset: follower.offset });
        // Nothing is read where the word that it has grown was early.
        const waits = read === 0 || (read > FLOOD_BYTES && terminal.questions.length === 0);
        if (waits) terminal.due = now + FLOOD_MS;
      }
      this.#answer(terminal);
      if (follower.behind) next = Math.min(next ?? terminal.due, terminal.due);
    }
    if (next !== null) this.#soon(next - performance.now());
  }

  #soon(wait_ms: number): void {
    if (wait_ms <= 0) {
      this.#turn ??= setImmediate(() => {
        this.#turn = null;
        this.#work();
      });
      return;
    }
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#soon(0);
    }, wait_ms);
  }

  #answer({ follower, questions }: Terminal): void {
    const now = performance.now();
    const ready = questions.filter(({ to, until }) => follower.offset >= to || until <= now);
    if (ready.length === 0) return;
    questions.splice(0, questions.length, ...questions.filter((question) => !ready.includes(question)));
    for (const { id, what } of ready) {
      const value = what === 'snapshot' ? follower.snapshot() : follower.modes();
      this.#send({ type: 'answered', id, value });
    }
  }
}

// On Linux a thread has a priority of its own.
if (process.platform === 'linux') setPriority(0, NICENESS);
if (parentPort !== null) new ScreenThread(parentPort, (workerData as { name: string }).name);
