/** A dialog element of the browser: focus stays inside, Escape closes, focus returns to where it was. */
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { dialog } from '../state/store.ts';

interface Props {
  label: string;
  class?: string;
  children: ComponentChildren;
}

export const closeDialog = (): void => {
  dialog.value = null;
};

export function Modal({ label, class: className = '', children }: Props) {
  const element = useRef<HTMLDialogElement>(null);
  const opened = useRef(dialog.peek());
  // The browser tells of a closed dialog a moment later; another one may be open by then.
  const closed = (): void => {
    if (dialog.value === opened.current) closeDialog();
  };
  // At once, not after the next frame: what is typed meanwhile is meant for it.
  useLayoutEffect(() => {
    const before = document.activeElement;
    element.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={element}
      class={`modal ${className}`}
      aria-label={label}
      onClose={closed}
      onKeyDown={(event) => {
        // At once, not when the browser gets to it: the next key may come before.
        if (event.key !== 'Escape') return;
        event.preventDefault();
        closeDialog();
      }}
      onMouseDown={(event) => {
        // The backdrop belongs to the dialog element itself.
        if (event.target === element.current) closeDialog();
      }}
    >
      {children}
    </dialog>
  );
}
