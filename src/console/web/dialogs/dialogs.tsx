/**
 * Where a dialog opens. Most of them are no part of the first load: they come with the first key or press. The
 * palette is, because what is typed right after the key that opens it must reach it.
 */
import { signal } from '@preact/signals';
import { dialog } from '../state/store.ts';
import type { OpenDialog } from './open-dialog.tsx';
import { Palette } from './palette.tsx';

const loaded = signal<typeof OpenDialog | null>(null);

function load(): void {
  import('./open-dialog.tsx').then(
    (module) => {
      loaded.value = module.OpenDialog;
    },
    // The host is away; the next key or press tries again.
    () => listen(),
  );
}

function listen(): void {
  for (const touch of ['keydown', 'pointerdown'])
    addEventListener(touch, load, { once: true, capture: true });
}

listen();

export function Dialogs() {
  const open = dialog.value;
  if (open?.kind === 'palette') return <Palette />;
  const Loaded = loaded.value;
  return open === null || Loaded === null ? null : <Loaded open={open} />;
}
