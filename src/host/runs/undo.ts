/**
 * Puts a run's record back as it was, for a part of a transaction that is undone while the rest of it goes on. The
 * record is changed in place, because other objects refer to it and to its parts.
 */
import type { RunRecord } from '../store/runs.ts';

/** @returns a function that undoes every change made since */
export function rememberRecord(record: RunRecord): () => void {
  const { floor, turn, gate, tree, ...rest } = record;
  // runs/floor.ts changes no array in place, and an unfinished line can have many megabytes: nothing is copied.
  const processes = Object.entries(floor.processes).map(([index, process]) => {
    return { index, process, was: { ...process } };
  });
  const before = { floor: { ...floor }, turn: { ...turn }, ...structuredClone({ gate, tree }) };
  return () => {
    Object.assign(record, rest);
    for (const { process, was } of processes) restore(process, was);
    const kept = Object.fromEntries(processes.map(({ index, process }) => [index, process]));
    restore(floor, { ...before.floor, processes: kept });
    restore(turn, before.turn);
    restore(gate, before.gate);
    restore(tree, before.tree);
    Object.assign(record, { floor, turn, gate, tree });
  };
}

function restore<T extends object>(target: T, values: T): void {
  for (const key of Object.keys(target)) if (!Object.hasOwn(values, key)) delete target[key as keyof T];
  Object.assign(target, values);
}
