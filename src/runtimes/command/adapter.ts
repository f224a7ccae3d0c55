/** A record of the table of adapters as the runtime uses it: keys as bytes, marks as expressions. */
import { adapterRecord, type CheckedRecord, KEYS } from './adapter-record.ts';
import { ADAPTERS } from './adapters.ts';

export type AdapterName = keyof typeof ADAPTERS;
export const ADAPTER_NAMES = Object.keys(ADAPTERS) as [AdapterName, ...AdapterName[]];

export interface Adapter {
  submit: string;
  rest_ms: number | null;
  interrupt: readonly string[];
  /** The newest match on the screen counts. A title is there as [title …]. Null: the program shows no such thing. */
  marks: Record<'ready' | 'busy' | 'asks', RegExp | null>;
  asksUntilReady: boolean;
}

const known = new Map<string, Adapter>();

export function adapterNamed(name: unknown): Adapter | null {
  if (typeof name !== 'string' || !Object.hasOwn(ADAPTERS, name)) return null;
  const before = known.get(name);
  if (before !== undefined) return before;
  const adapter = adapterOf(adapterRecord.parse(ADAPTERS[name as AdapterName]));
  known.set(name, adapter);
  return adapter;
}

function adapterOf(record: CheckedRecord): Adapter {
  const pattern = (words: string[] | undefined) =>
    words === undefined ? null : new RegExp(words.join('|'), 'g');
  return {
    submit: KEYS[record.submit],
    rest_ms: record.rest_ms ?? null,
    interrupt: record.interrupt.map((name) => KEYS[name]),
    marks: { ready: pattern(record.ready), busy: pattern(record.busy), asks: pattern(record.asks) },
    asksUntilReady: record.asks_until_ready ?? false,
  };
}
