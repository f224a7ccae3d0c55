/**
 * The transcript that is open, and the last few that were: loaded a page at a time backwards, continued live
 * from the last event they have.
 */
import { batch, effect, signal } from '@preact/signals';
import type { EventView } from '../../console-protocol.ts';
import type { Item } from '../live/items.ts';
import { Transcript } from '../live/transcript.ts';
import { type Waiting, waitingAfter, waitingOf } from '../live/waiting.ts';
import { showError } from '../ui/toasts.tsx';
import { call, wireOf } from './api.ts';
import { watch } from './link.ts';
import { live } from './store.ts';

const PAGE = 300;
/** Transcripts kept for going back to. */
const KEPT_MAX = 6;

export class OpenTranscript {
  readonly agent: string;
  readonly items = signal<readonly Item[]>([]);
  /** More can be loaded at the top. */
  readonly earlier = signal(false);
  /** Sent to the agent, and not read yet as far as is known. */
  readonly waiting = signal<ReadonlyMap<string, Waiting>>(new Map());
  readonly phase = signal<'loading' | 'catching-up' | 'live'>('loading');
  /** The reader is at the end: only then may the oldest be dropped. */
  following = true;
  #transcript = new Transcript();
  #loaded = false;
  #loading = false;
  #loadingEarlier = false;

  constructor(agent: string) {
    this.agent = agent;
  }

  async open(): Promise<void> {
    if (!this.#loaded) await this.#load();
    if (opened !== this || !this.#loaded) return;
    watch({
      agent: this.agent,
      after: () => this.#transcript.last,
      events: (events, more) => this.#add(events, more),
      reset: () => {
        this.#loaded = false;
        this.#transcript = new Transcript();
        void this.open();
      },
    });
  }

  async loadEarlier(): Promise<void> {
    if (this.#loadingEarlier || !this.earlier.value) return;
    this.#loadingEarlier = true;
    try {
      const page = await this.#page(this.#transcript.first ?? undefined);
      this.#transcript.addEarlier(page.events);
      batch(() => {
        this.items.value = this.#transcript.items;
        this.earlier.value = page.more;
      });
    } catch (error) {
      showError(wireOf(error));
    } finally {
      this.#loadingEarlier = false;
    }
  }

  async #load(): Promise<void> {
    if (this.#loading) return;
    this.#loading = true;
    try {
      const page = await this.#page();
      // After the page: what is told of them later than this is among the events that follow it.
      const injections = await call('injections', { agent: this.agent });
      this.#transcript.add(page.events);
      this.#loaded = true;
      batch(() => {
        this.waiting.value = waitingOf(
          injections.filter(({ state }) => state === 'queued' || state === 'delivered'),
        );
        this.items.value = this.#transcript.items;
        this.earlier.value = page.more;
        this.phase.value = 'live';
      });
    } catch (error) {
      // Without a connection the banner says it; with the next one it is tried again.
      if (wireOf(error).code !== 'console.unreachable') showError(wireOf(error));
    } finally {
      this.#loading = false;
    }
  }

  /** The newest, or the newest before `before`. */
  async #page(before?: string): Promise<{ events: EventView[]; more: boolean }> {
    const events = await call('events', { agent: this.agent, last: true, limit: PAGE, before });
    return { events, more: events.length === PAGE };
  }

  #add(events: EventView[], more: boolean): void {
    this.waiting.value = waitingAfter(this.waiting.value, events);
    this.#transcript.add(events);
    if (this.following && this.#transcript.trim()) this.earlier.value = true;
    this.items.value = this.#transcript.items;
    this.phase.value = more ? 'catching-up' : 'live';
  }
}

const kept = new Map<string, OpenTranscript>();
let opened: OpenTranscript | null = null;

effect(() => {
  if (live.value && opened?.phase.peek() === 'loading') void opened.open();
});

/** The transcript of this agent becomes the live one. */
export function openTranscript(agent: string): OpenTranscript {
  const transcript = kept.get(agent) ?? new OpenTranscript(agent);
  kept.delete(agent);
  kept.set(agent, transcript);
  for (const name of kept.keys()) if (kept.size > KEPT_MAX) kept.delete(name);
  opened = transcript;
  void transcript.open();
  return transcript;
}

export function closeTranscript(transcript: OpenTranscript): void {
  if (opened !== transcript) return;
  opened = null;
  watch(null);
}
