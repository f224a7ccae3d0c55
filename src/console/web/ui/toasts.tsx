/** What could not be done, and what to do next. Stays until it is read. */
import type { WireError } from '../../console-protocol.ts';
import { type Toast, toasts } from '../state/store.ts';
import { Icon } from './icon.tsx';

const TOASTS_MAX = 4;
const DONE_MS = 4_000;
let lastId = 0;

function dismiss(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

function show(toast: Omit<Toast, 'id'>): number {
  lastId += 1;
  toasts.value = [...toasts.value, { ...toast, id: lastId }].slice(-TOASTS_MAX);
  return lastId;
}

export function showError(error: WireError): void {
  show({ error, text: '' });
}

export function showDone(text: string): void {
  const id = show({ error: null, text });
  setTimeout(() => dismiss(id), DONE_MS);
}

/** Why nothing was done. */
export function showNote(text: string): void {
  if (toasts.value.some((toast) => toast.text === text)) return;
  const id = show({ error: null, text, note: true });
  setTimeout(() => dismiss(id), DONE_MS);
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map((toast) => (
        <div key={toast.id} class={toast.error ? 'toast failed' : 'toast'}>
          <Icon name={toast.error ? 'warn' : toast.note ? 'ask' : 'check'} />
          <div>
            <p>{toast.error?.message ?? toast.text}</p>
            {toast.error && <p class="next">{toast.error.next}</p>}
          </div>
          <button
            type="button"
            class="button quiet icon-only"
            aria-label="Dismiss"
            onClick={() => dismiss(toast.id)}
          >
            <Icon name="cross" />
          </button>
        </div>
      ))}
    </div>
  );
}
