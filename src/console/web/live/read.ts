/** Reads the loosely typed data of events without believing it. */
import type { EventView } from '../../wire.ts';

type Data = Record<string, unknown>;

/** An event whose data is not believed. */
export type LooseEvent = Omit<EventView, 'topic' | 'data'> & { topic: string; data: Data };

export const loose = (event: EventView): LooseEvent => event as unknown as LooseEvent;

export const text = (data: Data, key: string): string => {
  const value = data[key];
  return typeof value === 'string'
    ? value
    : value === undefined || value === null
      ? ''
      : JSON.stringify(value);
};

export const textOrNull = (data: Data, key: string): string | null => text(data, key) || null;

export const flag = (data: Data, key: string): boolean => data[key] === true;

export const record = (data: Data, key: string): Data => {
  const value = data[key];
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Data) : {};
};

export const list = (data: Data, key: string): unknown[] => {
  const value = data[key];
  return Array.isArray(value) ? value : [];
};
