/**
 * Explanations on hover and on focus, for anything that carries `data-tip` (why a button is disabled) or
 * `data-evidence` (how a fact is known, and how old that is at this moment). One element for the page; the described
 * one refers to it while it shows.
 */
import { signal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Evidence } from '../../console-protocol.ts';
import { age, exactTimeOf, hostNow } from '../state/clock.ts';

interface Tip {
  text: string;
  left: number;
  top: number;
  above: boolean;
}

const tip = signal<Tip | null>(null);
let shown: Element | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;

const WIDTH_MAX = 320;
const TIPPED = '[data-tip],[data-evidence]';

function textOf(target: Element): string {
  const parts = [];
  const evidence = target.getAttribute('data-evidence');
  if (evidence) {
    const { what, grade, source, at_ms } = JSON.parse(evidence) as Evidence;
    parts.push(what, `${grade} by ${source} ${age(at_ms, hostNow())} ago · ${exactTimeOf(at_ms)}`);
  }
  const tip = target.getAttribute('data-tip');
  if (tip) parts.push(tip);
  return parts.join('\n');
}

function show(target: Element): void {
  const text = textOf(target);
  if (text === '') return;
  hide();
  const box = target.getBoundingClientRect();
  const above = box.bottom > innerHeight - 120;
  tip.value = {
    text,
    left: Math.max(8, Math.min(box.left, innerWidth - WIDTH_MAX - 8)),
    top: above ? box.top - 6 : box.bottom + 6,
    above,
  };
  shown = target;
  target.setAttribute('aria-describedby', 'tip');
}

function hide(): void {
  clearTimeout(timer);
  shown?.removeAttribute('aria-describedby');
  shown = null;
  tip.value = null;
}

export function startTips(): void {
  const targetOf = (event: Event): Element | null => (event.target as Element).closest?.(TIPPED) ?? null;
  document.addEventListener('pointerover', (event) => {
    if (event.pointerType === 'touch') return;
    const target = targetOf(event);
    if (target === shown) return;
    hide();
    if (target) timer = setTimeout(() => show(target), 350);
  });
  document.addEventListener('focusin', (event) => {
    const focused = event.target as Element;
    // A row of the fleet is one link; what it says of the state is explained when the row has focus.
    const target =
      targetOf(event) ?? (focused.matches('.row') ? focused.querySelector('[data-evidence]') : null);
    if (target && focused.matches(':focus-visible')) show(target);
    else hide();
  });
  document.addEventListener('focusout', hide);
  // A finger has no hover: a tap explains what would otherwise do nothing, the next one puts it away.
  let tapped: Element | null = null;
  document.addEventListener('pointerdown', () => {
    tapped = shown;
    hide();
  });
  document.addEventListener('click', (event) => {
    const target = targetOf(event);
    const control = target?.closest('a, button, summary, label, textarea');
    if (target && target !== tapped && (!control || control.matches('[aria-disabled]'))) show(target);
  });
  document.addEventListener('scroll', hide, { capture: true, passive: true });
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') hide();
  });
}

export function Tips() {
  const element = useRef<HTMLDivElement>(null);
  const value = tip.value;
  // A popover of the browser: whatever is open, a dialog too, it is above it.
  useLayoutEffect(() => {
    element.current?.togglePopover(value !== null);
  }, [value]);
  return (
    <div
      ref={element}
      id="tip"
      role="tooltip"
      popover="manual"
      class={value?.above ? 'tip above' : 'tip'}
      hidden={value === null}
      style={value ? { left: `${value.left}px`, top: `${value.top}px`, maxWidth: `${WIDTH_MAX}px` } : {}}
    >
      {value?.text}
    </div>
  );
}
