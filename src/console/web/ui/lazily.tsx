/** A component whose code comes when it is first drawn, so that the first load stays small. */
import { signal } from '@preact/signals';
import type { ComponentType } from 'preact';

const AGAIN_MS = 1_000;

/** @param load imports it; where the host is away it is asked again. Until then nothing is drawn in its place. */
export function lazily<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  const loaded = signal<{ component: ComponentType<P> } | null>(null);
  let asked = false;
  const ask = (): void => {
    asked = true;
    load().then(
      (component) => {
        loaded.value = { component };
      },
      () => setTimeout(ask, AGAIN_MS),
    );
  };
  return function Lazy(properties: P) {
    if (!asked) ask();
    if (loaded.value === null) return null;
    const Loaded = loaded.value.component;
    return <Loaded {...properties} />;
  };
}
