/** A button. While it may not be pressed it stays reachable by keyboard, and says why on focus and hover. */
import type { ComponentChildren, VNode } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { live } from '../state/store.ts';
import { Icon, type IconName } from './icon.tsx';

interface Props {
  label: ComponentChildren;
  /** Instead of the label, where the label is not text. */
  name?: string;
  icon?: IconName | VNode;
  /** Letter that does the same. */
  hint?: string | undefined;
  tone?: 'plain' | 'primary' | 'quiet' | 'danger';
  /** null: may be pressed. */
  whyNot?: string | null;
  /** What it does, where it may be pressed. */
  tip?: string | undefined;
  busy?: boolean;
  /** Works without a connection (dialogs, navigation). */
  offline?: boolean;
  iconOnly?: boolean;
  type?: 'button' | 'submit';
  /** Of one that is on or off. */
  pressed?: boolean;
  /** Has the focus when its dialog opens. */
  first?: boolean;
  class?: string;
  onPress?: () => void;
}

export function Button(props: Props) {
  const { label, name, icon, hint, tone = 'plain', busy = false, offline = false, iconOnly = false } = props;
  const whyNot = props.whyNot ?? (!offline && !live.value ? 'Not connected to the host.' : null);
  const blocked = whyNot !== null || busy;
  const tip = whyNot ?? props.tip ?? (iconOnly && typeof label === 'string' ? label : undefined);
  const element = useRef<HTMLButtonElement>(null);
  // A button that goes while it has the focus leaves it in its place, not at the top of the page.
  useLayoutEffect(
    () => () => {
      if (document.activeElement === element.current) element.current?.closest('main')?.focus();
    },
    [],
  );
  return (
    <button
      ref={element}
      autofocus={props.first}
      type={props.type ?? 'button'}
      class={`button ${tone} ${iconOnly ? 'icon-only' : ''} ${props.class ?? ''}`}
      aria-disabled={blocked || undefined}
      aria-busy={busy || undefined}
      aria-pressed={props.pressed}
      aria-label={name ?? (iconOnly && typeof label === 'string' ? label : undefined)}
      aria-keyshortcuts={hint && shortcut(hint)}
      data-tip={tip}
      onClick={(event) => {
        if (blocked) event.preventDefault();
        else props.onPress?.();
      }}
    >
      {typeof icon === 'string' ? <Icon name={icon} /> : icon}
      {!iconOnly && <span>{label}</span>}
      {hint && !iconOnly && (
        <span class="kbd" aria-hidden="true">
          {keycap(hint)}
        </span>
      )}
    </button>
  );
}

/** Capitals are typed with Shift: as assistive software is told of it, and as it is drawn. */
export const shortcut = (key: string): string => (/^[A-Z]$/.test(key) ? `Shift+${key}` : key);
export const keycap = (key: string): string => (/^[A-Z]$/.test(key) ? `⇧${key}` : key);
