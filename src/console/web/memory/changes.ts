/** Runs when memories have changed: once for those that change together, and not more than about twice a second. */
import { useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { memoryChanges } from '../state/store.ts';

const GATHER_MS = 400;

export function useMemoryChanges(again: () => void): void {
  const latest = useRef(again);
  latest.current = again;
  const seen = useRef(memoryChanges.peek());
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useSignalEffect(() => {
    const changes = memoryChanges.value;
    if (changes === seen.current) return;
    seen.current = changes;
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      latest.current();
    }, GATHER_MS);
  });
  useEffect(() => () => clearTimeout(timer.current), []);
}
