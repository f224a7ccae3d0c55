/**
 * Shows the open dialog. Most dialogs are loaded at the first key or click. The palette is part of the first load, so
 * that it gets what is typed right after its key.
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
  if (open?.kind === 'own') return <>{open.draw()}</>;
  const Loaded = loaded.value;
  return open === null || Loaded === null ? null : <Loaded open={open} />;
}
