/**
 * What is remembered, given to an agent without its asking: when its engine takes its first message, and when it has
 * summarised its conversation, it asks and waits a few seconds. Memories whose words would take rights from the agent
 * are named and left out: to read those is its own decision. An answer that a host did not live to give is none, unless
 * the engine waits for it: then the next host gives it.
 */
import type { ObservedEvent } from '../../../runtimes/runtime.ts';
import type { MemoryView } from '../../api.ts';
import { messageOf } from '../../errors.ts';
import { engineHasFloor } from '../../runs/floor.ts';
import type { Run } from '../../runs/run.ts';
import { cutText } from '../../text.ts';
import { mayAsMuch } from '../gate/authority.ts';
import { goesByMemory } from '../turn/senders.ts';
import { recallAsked, recallFrameId } from '../turn/turn.ts';
import type { RunRecalls, Wiring } from '../wiring.ts';
import { chosen } from './choice.ts';
import { type Framed, framed } from './framed.ts';

/** What this file uses of the host. */
type Needs = Pick<
  Wiring,
  'agents' | 'clock' | 'events' | 'log' | 'memory' | 'memorySettings' | 'runs' | 'touched'
>;

type Asked = Extract<ObservedEvent, { kind: 'recall-asked' }>;

/** Asked so long ago, it is waited for no more: the engine has gone on without. */
const WAITS_MS = 8_000;
const WORDS_CHARS_MAX = 4_000;
const SEARCHES = 'aether_memory_search';

interface Waiting {
  event: Asked;
  /** The process that asked. */
  process: number | null;
  at_ms: number;
}

export class Recalls implements RunRecalls {
  readonly #wiring: Needs;
  readonly #waiting = new Map<string, Waiting[]>();
  /** By run: what an engine waits for, and is being told. */
  readonly #answering = new Map<string, string>();
  /** What each run was told last. */
  readonly #words = new Map<string, string>();

  constructor(wiring: Needs) {
    this.#wiring = wiring;
  }

  /** Notes it down: the record that tells of it is not stored yet. */
  asked(run: Run, event: Asked, at_ms: number): void {
    const waiting = { event, process: run.record.floor.process, at_ms };
    if (event.patient === true) recallAsked(run.record.turn, event);
    else this.#waiting.set(run.id, [...(this.#waiting.get(run.id) ?? []), waiting]);
    if (event.words !== undefined) this.#words.set(run.id, event.words);
  }

  /** What it was told last: a summary is to be about that. */
  told(run: Run, words: string): void {
    this.#words.set(run.id, cutText(words, { chars_max: WORDS_CHARS_MAX }));
  }

  /** Answers what was asked. */
  pass(run: Run): void {
    this.#passPatient(run);
    const waiting = this.#waiting.get(run.id);
    if (waiting === undefined) return;
    this.#waiting.delete(run.id);
    for (const each of waiting)
      void this.#answer(run, each).catch((error: unknown) =>
        this.#wiring.log.warn(
          { run: run.id, error: messageOf(error) },
          'an engine was not told what is remembered',
        ),
      );
  }

  /** From the record: the host that was asked may be dead. */
  #passPatient(run: Run): void {
    const { floor, turn } = run.record;
    if (turn.recall === undefined || run.ended || !run.connected) return;
    const { requestId } = turn.recall;
    if (this.#answering.get(run.id) === requestId) return;
    this.#answering.set(run.id, requestId);
    const event: Asked = { kind: 'recall-asked', ...turn.recall, patient: true };
    const answered = this.#answer(run, { event, process: floor.process, at_ms: this.#wiring.clock.now() });
    // Unanswered, it is tried again when anything of the run changes.
    void answered.then(
      (written) => {
        if (!written) this.#answering.delete(run.id);
      },
      (error: unknown) => {
        this.#answering.delete(run.id);
        this.#wiring.log.warn(
          { run: run.id, error: messageOf(error) },
          'an engine waits for what is remembered and could not be told',
        );
      },
    );
  }

  forget(run: Run): void {
    this.#answering.delete(run.id);
    this.#waiting.delete(run.id);
    this.#words.delete(run.id);
  }

  /** @returns whether it was told */
  async #answer(run: Run, { event, process, at_ms }: Waiting): Promise<boolean> {
    if (this.#wiring.clock.now() - at_ms > WAITS_MS) return false;
    const { requestId, at } = event;
    const found = at === 'later' ? null : await this.#found(run, at, event.words);
    // Who has the floor now may be another program, which would take this for something typed.
    const { floor } = run.record;
    if (run.ended || floor.process !== process || !engineHasFloor(floor)) return false;
    // Told before it is read: the model's next call already follows those words.
    if (found !== null && at !== 'later') this.#shown(run, at, found);
    const frame = run.runtime.recall!({ requestId, at, text: found?.text ?? null });
    await run.write({ ...frame, id: recallFrameId(requestId) });
    return true;
  }

  /** An engine without an answer would wait for nothing: what fails here is said, and it is told that there is nothing. */
  async #found(run: Run, at: 'start' | 'compaction', words = ''): Promise<Framed | null> {
    const { agents, memory, memorySettings, clock, log } = this.#wiring;
    const { recall_tokens } = memorySettings();
    const config = agents.find(run.record.agent)?.config;
    if (recall_tokens === 0 || config === undefined) return null;
    if (config.tools !== null && !config.tools.includes(SEARCHES)) return null;
    const about = [at === 'start' ? words : this.#words.get(run.id), config.goal];
    try {
      const { memories, others } = await chosen(
        memory,
        callerOf(run),
        about.filter((text) => typeof text === 'string'),
        (sender) => run.record.turn.senders.includes(sender) || mayAsMuch(agents, config, sender),
        // A summary has left them out.
        new Set(at === 'start' ? memory.shownTo(run.id, clock.now()) : []),
      );
      const left =
        others.length === 0
          ? null
          : `There are more by ${others.slice(0, 3).join(', ')}${others.length > 3 ? ' and others' : ''}: ${SEARCHES} shows them.`;
      return framed(memories, { at, tokens_max: recall_tokens, now: clock.now(), others: left });
    } catch (error) {
      log.warn({ run: run.id, error: messageOf(error) }, 'what is remembered for an agent was not found');
      return null;
    }
  }

  #shown(run: Run, at: 'start' | 'compaction', { shown, tokens }: Framed): void {
    if (shown.length === 0) return;
    const caller = callerOf(run);
    goesByMemory(this.#wiring, caller, shown);
    this.#wiring.memory.shown(run.id, shown);
    this.#wiring.events.append({
      topic: 'memory.recalled',
      agent: run.record.agent,
      run: run.id,
      principal: 'host',
      grade: 'enforced',
      data: { at, memories: shown.map(({ id }: MemoryView) => id), tokens },
    });
  }
}

/** For what must know who reads: no call stands behind it. */
const callerOf = (run: Run) => ({
  principal: `agent:${run.record.agent}` as const,
  agent: run.record.agent,
  run: run.id,
  grants: null,
  instance: '',
  sequence: 0,
});
