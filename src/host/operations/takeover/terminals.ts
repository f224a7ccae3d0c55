/** Terminals of agents as clients use them: watched by any operator, typed into and sized by the holder of the lease. */
import type { TerminalBytes, TerminalViewer } from '../../api.ts';
import { AetherError } from '../../errors.ts';
import { replayFrom, terminalOf } from '../../runs/floor.ts';
import type { Run } from '../../runs/run.ts';
import { type Size, TerminalSizes } from '../../terminals/sizes.ts';
import { JournalViewer, type ViewerSource } from '../../terminals/viewer.ts';
import type { Wiring } from '../wiring.ts';
import { lastTerminal } from './last-terminal.ts';
import type { RunScreens } from './screens.ts';

type Needs = Pick<Wiring, 'agents' | 'runs' | 'leases' | 'generation' | 'log'>;

/** Those that look at one agent's terminal. */
interface Audience {
  sizes: TerminalSizes;
  shows: Map<string, (item: TerminalBytes) => void>;
  /** Whose size it has, as they were told last. */
  by: string | null;
  /** The size that was asked for last, and of what. */
  asked: string | null;
  /** The look that its programs were told last, and of which run. */
  look: string | null;
}

export class Terminals {
  readonly #wiring: Needs;
  readonly #screens: Pick<RunScreens, 'snapshot' | 'follow' | 'look'>;
  readonly #journal: (run: string) => string;
  readonly #audiences = new Map<string, Audience>();
  #keystrokes = 0;
  #viewers = 0;

  /** @param journal directory of a run's journal */
  constructor(
    wiring: Needs,
    screens: Pick<RunScreens, 'snapshot' | 'follow' | 'look'>,
    journal: (run: string) => string,
  ) {
    this.#wiring = wiring;
    this.#screens = screens;
    this.#journal = journal;
  }

  view(agent: string, show: (item: TerminalBytes) => void): TerminalViewer {
    this.#wiring.agents.get(agent);
    const run = this.#wiring.runs.require(agent);
    this.#screens.follow(run);
    const source: ViewerSource = {
      run: run.id,
      journal: run.paths.journal,
      now: () => terminalNow(run),
      snapshot: () => this.#screens.snapshot(run),
      onGrown: (listener) => run.onGrown(listener),
    };
    this.#viewers += 1;
    const id = `${this.#wiring.generation}-${this.#viewers}`;
    const audience = this.#audience(agent);
    audience.shows.set(id, show);
    show({ kind: 'sized', you: id, by: audience.by });
    const viewer = new JournalViewer(source, show, this.#wiring.log);
    return {
      pause: () => viewer.pause(),
      resume: () => viewer.resume(),
      close: () => {
        viewer.close();
        this.#left(agent, id);
      },
    };
  }

  last(agent: string): Buffer {
    this.#wiring.agents.get(agent);
    const newest = this.#wiring.runs.newest(agent);
    return newest === null ? Buffer.alloc(0) : lastTerminal(newest, this.#journal(newest.id));
  }

  write(agent: string, generation: number, data: string, viewer?: string): void {
    const run = this.#heldRun(agent, generation);
    if (viewer !== undefined) this.#use(agent, run, generation, viewer);
    this.#keystrokes += 1;
    // Unique over hosts and leases: the shim writes a frame that it knows only once.
    const id = `key-${this.#wiring.generation}-${generation}-${this.#keystrokes}`;
    run.write({ id, data }, terminalOf(run.record.floor)!.index).catch((error: unknown) => {
      this.#wiring.log.warn({ agent, error: String(error) }, 'keystrokes were not delivered');
    });
  }

  /** Without a viewer the terminal has this size at once, until one of those that look at it is used. */
  resize(agent: string, generation: number, size: Size, viewer?: string): void {
    const run = this.#heldRun(agent, generation);
    const audience = viewer === undefined ? undefined : this.#audiences.get(agent);
    if (viewer === undefined || !audience?.shows.has(viewer)) {
      this.#apply(agent, run, size);
      return;
    }
    audience.sizes.claim(viewer, generation, size);
    this.#decide(agent, run, generation);
  }

  use(agent: string, generation: number, viewer: string): void {
    this.#use(agent, this.#heldRun(agent, generation), generation, viewer);
  }

  #use(agent: string, run: Run, generation: number, viewer: string): void {
    const audience = this.#audiences.get(agent);
    if (!audience?.shows.has(viewer)) return;
    audience.sizes.use(viewer, generation);
    this.#decide(agent, run, generation);
  }

  #decide(agent: string, run: Run, generation: number): void {
    const audience = this.#audiences.get(agent);
    const decided = audience?.sizes.decides(generation) ?? null;
    if (audience !== undefined && audience.by !== (decided?.viewer ?? null)) {
      audience.by = decided?.viewer ?? null;
      for (const [you, show] of audience.shows) show({ kind: 'sized', you, by: audience.by });
    }
    if (decided !== null) this.#apply(agent, run, decided.size);
  }

  #apply(agent: string, run: Run, { cols, rows, look }: Size): void {
    const { index, size } = terminalOf(run.record.floor)!;
    const audience = this.#audiences.get(agent);
    const looked = `${run.id}/${index} ${JSON.stringify(look)}`;
    if (look !== undefined && audience?.look !== looked) {
      if (audience !== undefined) audience.look = looked;
      this.#screens.look(run, look);
    }
    const asked = `${run.id}/${index} ${cols}x${rows}`;
    // What it was asked for last may not be told by the journal yet.
    if (audience?.asked === asked && size.cols === cols && size.rows === rows) return;
    if (audience !== undefined) audience.asked = asked;
    run.client.resize(index, cols, rows).catch((error: unknown) => {
      this.#wiring.log.warn({ agent, error: String(error) }, 'the terminal was not resized');
    });
  }

  #left(agent: string, viewer: string): void {
    const audience = this.#audiences.get(agent);
    if (!audience?.shows.delete(viewer)) return;
    audience.sizes.leave(viewer);
    if (audience.shows.size === 0) this.#audiences.delete(agent);
    const lease = this.#wiring.leases.find(agent);
    const run = this.#wiring.runs.of(agent);
    if (lease?.phase !== 'held' || run === null || !run.connected) return;
    if (terminalOf(run.record.floor) !== null) this.#decide(agent, run, lease.generation);
  }

  #audience(agent: string): Audience {
    const known = this.#audiences.get(agent);
    if (known !== undefined) return known;
    const audience = { sizes: new TerminalSizes(), shows: new Map(), by: null, asked: null, look: null };
    this.#audiences.set(agent, audience);
    return audience;
  }

  #heldRun(agent: string, generation: number): Run {
    const lease = this.#wiring.leases.require(agent, generation);
    const run = this.#wiring.runs.require(agent);
    if (lease.phase === 'held' && terminalOf(run.record.floor) !== null) return run;
    throw new AetherError({
      code: 'lease.phase',
      who: 'user',
      message: `The terminal of ${agent} takes no input now: it is being ${lease.phase === 'pending' ? 'taken over' : 'handed back'}.`,
      next: 'Wait a moment.',
    });
  }
}

function terminalNow({ id, record }: Run): ReturnType<ViewerSource['now']> {
  const { floor, journal_offset: to } = record;
  const terminal = terminalOf(floor);
  if (terminal === null) return { from: null, to, info: null };
  const info = { run: id, process: terminal.index, ...terminal.size };
  return { from: replayFrom(terminal, to) ?? to, to, info };
}
