/**
 * Reads the engine's own transcript while its structured channel is closed, for example while a person holds the
 * terminal and continues the conversation. Facts found here carry the engine's keys, so a fact from both sources is
 * recorded once.
 */
import { dirname, relative } from 'node:path';
import type { AgentSpec, RunPlace } from '../../../runtimes/runtime.ts';
import { readFromBeneath, sizeBeneath } from '../../beneath.ts';
import { messageOf } from '../../errors.ts';
import { readTo } from '../../runs/floor.ts';
import type { Run } from '../../runs/run.ts';
import type { Wiring } from '../wiring.ts';

/** What this file uses of the host. */
type Needs = Pick<Wiring, 'clock' | 'log'>;

const POLL_MS = 250;
const READ_BYTES_MAX = 4 * 1024 * 1024;

export class TranscriptReader {
  readonly #wiring: Needs;
  readonly #place: (agent: string, run: string) => RunPlace;
  readonly #polls = new Map<string, () => void>();
  readonly #complaints = new WeakMap<Run, string>();

  constructor(wiring: Needs, place: (agent: string, run: string) => RunPlace) {
    this.#wiring = wiring;
    this.#place = place;
  }

  /** Before the terminal starts: remember where the transcript ends now. */
  begin(run: Run, spec: AgentSpec): void {
    const place = this.#place(spec.name, run.id);
    const tail = run.runtime.tail?.(spec, place, run.record.engine);
    if (!tail) return;
    const offset = sizeBeneath(...whereOf(place, tail.path));
    run.save((saved) => {
      readTo(saved.floor, { path: tail.path, offset });
    });
  }

  follow(run: Run, spec: AgentSpec): void {
    if (run.record.floor.tail === null) return;
    this.forget(run);
    const poll = () => {
      this.#read(run, spec);
      if (!run.ended) this.#polls.set(run.id, this.#wiring.clock.after(POLL_MS, poll));
    };
    poll();
  }

  /** After the terminal ended: the rest, once. */
  end(run: Run, spec: AgentSpec): void {
    this.forget(run);
    this.#read(run, spec);
    if (!run.ended)
      run.save((saved) => {
        readTo(saved.floor, null);
      });
  }

  forget(run: Run): void {
    this.#polls.get(run.id)?.();
    this.#polls.delete(run.id);
  }

  #read(run: Run, spec: AgentSpec): void {
    const known = run.record.floor.tail;
    const place = this.#place(spec.name, run.id);
    const tail = run.runtime.tail?.(spec, place, run.record.engine);
    if (known === null || !tail) return;
    // The human may have gone to another conversation; its file is read from the start, keys keep it single.
    const at = known.path === tail.path ? known : { path: tail.path, offset: 0 };
    try {
      const where = whereOf(place, at.path);
      // A conversation begins without one.
      const text = readFromBeneath(...where, at.offset, READ_BYTES_MAX) ?? Buffer.alloc(0);
      const end = text.lastIndexOf(10);
      if (end === -1) {
        if (text.length < READ_BYTES_MAX) return;
        this.#complain(run, 'a line of the transcript is too long and was left out');
        run.save((saved) => {
          readTo(saved.floor, { path: at.path, offset: at.offset + text.length });
        });
        return;
      }
      const lines = text.toString('utf8', 0, end).split('\n');
      const spoken = lines.filter((line) => line.trim() !== '');
      const next = { path: at.path, offset: at.offset + end + 1 };
      run.observeTranscript(spoken, (state, line) => tail.line(state, line), next);
    } catch (error) {
      this.#complain(run, `the transcript could not be read: ${messageOf(error)}`);
    }
  }

  /** It is looked at four times a second, and the reason stays the same. */
  #complain(run: Run, what: string): void {
    if (this.#complaints.get(run) === what) return;
    this.#complaints.set(run, what);
    this.#wiring.log.warn({ run: run.id }, what);
  }
}

/** It lies where the agent can write: each directory on the way, and what is there, may be something else by now. */
function whereOf({ agentDir }: RunPlace, file: string): [root: string, path: string] {
  const agents = dirname(agentDir);
  return [agents, relative(agents, file)];
}
