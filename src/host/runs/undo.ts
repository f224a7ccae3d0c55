/**
 * Puts a run's record back as it was, for a part of a transaction that is undone while the rest of it goes on. The
 * record is changed in place, because others hold on to it and to its parts.
 */
import type { RunRecord } from '../store/runs.ts';

/** @returns a function that undoes every change made since */
export function rememberRecord(record: RunRecord): () => void {
  const { floor, tree, ...rest } = record;
  // Texts are never changed in place, and an unfinished line can have many megabytes.
  const { partialOut, partialErr, opening, ...small } = floor;
  const before = structuredClone({ floor: small, tree });
  return () => {
    Object.assign(record, rest);
    restore(floor, { ...before.floor, partialOut, partialErr, opening });
    restore(tree, before.tree);
    Object.assign(record, { floor, tree });
  };
}

function restore<T extends object>(target: T, values: T): void {
  for (const key of Object.keys(target)) if (!Object.hasOwn(values, key)) delete target[key as keyof T];
  Object.assign(target, values);
}
