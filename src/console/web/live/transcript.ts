/**
 * The events of one agent as a list that a person reads: results join their calls, receipts their messages,
 * answers their questions. Pure; events come in their order, and one seen before changes nothing.
 */
import type { EventView } from '../../console-protocol.ts';
import { deedOf, isDeedOf } from './deeds.ts';
import { itemOf } from './item-of.ts';
import type { Deed, Item, ItemOf } from './items.ts';
import { text } from './read.ts';
import { stageOf } from './receipt.ts';
import { Spans } from './spans.ts';

/** More are dropped from the top while the newest are followed; they can be loaded again. */
export const ITEMS_MAX = 1_500;
const KEPT_ON_TRIM = 1_200;
/** More than pages that overlap have in common. */
const READ_KEPT = 1_000;

export class Transcript {
  #items: Item[] = [];
  /** Key → index in #items. */
  #at = new Map<string, number>();
  readonly #spans = new Spans();
  /** Ids of the newest events that were read. */
  #read = new Set<string>();
  /** Cursors of the first and the last event that was read; null when none. */
  first: string | null = null;
  last: string | null = null;

  get items(): readonly Item[] {
    return this.#items;
  }

  add(events: readonly EventView[]): void {
    const fresh = events.filter(({ id }) => !this.#read.has(id));
    if (fresh.length === 0) return;
    this.#items = [...this.#items];
    this.first ??= fresh[0]!.cursor;
    this.last = fresh.at(-1)!.cursor;
    this.#read = new Set([...this.#read, ...fresh.map(({ id }) => id)].slice(-READ_KEPT));
    for (const event of fresh) {
      if (this.#hasJoined(event)) continue;
      const item = itemOf(event, this.#spans);
      if (item === null || this.#at.has(item.key)) continue;
      this.#at.set(item.key, this.#items.length);
      this.#items.push(item);
    }
  }

  /** Events that came before everything here. */
  addEarlier(events: readonly EventView[]): void {
    const earlier = new Transcript();
    earlier.add(events);
    if (earlier.first === null) return;
    this.first = earlier.first;
    const known = new Set(earlier.#items.map((item) => item.key));
    this.#replace([...earlier.#items, ...this.#items.filter((item) => !known.has(item.key))]);
  }

  /** Drops the oldest when there are too many. @returns true when something was dropped */
  trim(): boolean {
    if (this.#items.length <= ITEMS_MAX) return false;
    this.#replace(this.#items.slice(-KEPT_ON_TRIM));
    this.first = this.#items[0]!.cursor;
    return true;
  }

  #replace(items: Item[]): void {
    this.#items = items;
    this.#at = new Map(items.map((item, index) => [item.key, index]));
  }

  /** Changes the item with this key, if it is of this kind. @returns true when it is there */
  #change<K extends Item['kind']>(
    key: string,
    kind: K,
    change: (item: ItemOf<K>) => Partial<ItemOf<K>>,
  ): boolean {
    const index = this.#at.get(key);
    const item = index === undefined ? undefined : this.#items[index];
    if (item?.kind !== kind) return false;
    this.#items[index!] = { ...item, ...change(item as ItemOf<K>) } as Item;
    return true;
  }

  /** Data of another form joins nothing: the event is drawn by itself, as it is. */
  #hasJoined(event: EventView): boolean {
    try {
      return this.#joins(event);
    } catch {
      return false;
    }
  }

  /** @returns true when the event belongs to an item that is there, or to one that came before this page. */
  #joins(event: EventView): boolean {
    switch (event.topic) {
      case 'tool.finished': {
        const { toolUseId, text: words, isError } = event.data;
        const result = { text: text(words), isError: isError === true, at_ms: event.at_ms };
        this.#change(`tool ${toolUseId}`, 'tool', () => ({ result }));
        return true;
      }
      case 'approval.answered': {
        const { approval, answer, by } = event.data;
        this.#change(`approval ${approval}`, 'approval', () => ({
          state: 'answered',
          answer,
          by: by || null,
        }));
        return true;
      }
      case 'approval.withdrawn':
        this.#change(`approval ${event.data.approval}`, 'approval', () => ({ state: 'withdrawn' }));
        return true;
      case 'message.user':
        // On the page since it was queued; its receipt tells when it was read.
        return this.#change(`inject ${event.data.injectId}`, 'told', () => ({}));
      case 'inject.delivered':
      case 'inject.seen':
      case 'inject.acted':
      case 'inject.cancelled':
      case 'inject.dropped':
      case 'inject.unknown': {
        const { inject, evidence } = event.data;
        const stage = stageOf(event.topic);
        const step = { stage, at_ms: event.at_ms, evidence: text(evidence) };
        return this.#change(`inject ${inject}`, 'told', ({ receipt }) => ({
          receipt: receipt && { ...receipt, stage, steps: [...receipt.steps, step] },
        }));
      }
      case 'feedback.given': {
        const { thumb, event: seq, kept } = event.data;
        const index = seq === undefined ? -1 : this.#items.findLastIndex((item) => item.seq === seq);
        const item = this.#items[index];
        if (item === undefined || item.act === null) return false;
        const by = event.principal;
        this.#items[index] = { ...item, judged: { thumb, by, kept: kept ?? null } };
        return true;
      }
      case 'mail.sent':
      case 'memory.stored':
      case 'memory.forgotten':
      case 'report.made': {
        const deed = deedOf(event);
        const call = this.#lastCallOf(deed.kind);
        return call ? this.#change(call.key, 'tool', () => ({ deed })) : false;
      }
      default:
        return false;
    }
  }

  /** The host tells of a deed while the call that did it is open, or just after: it belongs to that line. */
  #lastCallOf(kind: Deed['kind']): ItemOf<'tool'> | undefined {
    return this.#items
      .slice(-20)
      .findLast(
        (item): item is ItemOf<'tool'> =>
          item.kind === 'tool' && item.deed === null && isDeedOf(item.tool, kind),
      );
  }
}
