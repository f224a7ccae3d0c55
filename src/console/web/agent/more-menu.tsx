/** Every verb that stops an agent, the mildest first, with what it does or why it may not be done now. */
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { AgentView } from '../../console-protocol.ts';
import { keycap, shortcut } from '../ui/button.tsx';
import { Icon } from '../ui/icon.tsx';
import { ACTIONS } from './verbs.ts';

const IN_MENU = ['hold', 'pause', 'resume', 'interrupt', 'widen', 'stop', 'restart', 'kill'];

export function MoreMenu({ agent }: { agent: AgentView }) {
  const open = useSignal(false);
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const outside = (event: Event): void => {
      if (!root.current?.contains(event.target as Node)) open.value = false;
    };
    document.addEventListener('pointerdown', outside);
    return () => document.removeEventListener('pointerdown', outside);
  }, []);
  const close = (): void => {
    root.current?.querySelector('button')?.focus();
    open.value = false;
  };
  const move = (by: number): void => {
    const items = [...(root.current?.querySelectorAll<HTMLElement>('[role=menuitem]') ?? [])];
    const at = items.indexOf(document.activeElement as HTMLElement);
    items[(at + by + items.length) % items.length]?.focus();
  };
  return (
    <div
      class="menu-root"
      ref={root}
      onFocusOut={(event) => {
        const to = event.relatedTarget as Node | null;
        if (to && !root.current?.contains(to)) open.value = false;
      }}
    >
      <button
        type="button"
        class="button quiet icon-only"
        aria-label="More actions"
        aria-haspopup="menu"
        aria-expanded={open.value}
        onClick={() => {
          open.value = !open.value;
          if (open.value) requestAnimationFrame(() => move(1));
        }}
      >
        <Icon name="more" />
      </button>
      {open.value && (
        <div
          class="menu"
          role="menu"
          aria-label={`Actions on ${agent.name}`}
          tabIndex={-1}
          onKeyDown={(event) => {
            if (event.key === 'Escape') {
              close();
            } else if (event.key === 'ArrowDown') move(1);
            else if (event.key === 'ArrowUp') move(-1);
            else return;
            event.preventDefault();
            event.stopPropagation();
          }}
        >
          {ACTIONS.filter((action) => IN_MENU.includes(action.verb)).map((action) => {
            const whyNot = agent.verbs[action.verb];
            return (
              <button
                key={action.verb}
                type="button"
                role="menuitem"
                class={action.danger ? 'danger' : ''}
                aria-disabled={whyNot !== null || undefined}
                aria-keyshortcuts={action.key && shortcut(action.key)}
                data-tip={whyNot ?? action.what}
                onClick={() => {
                  if (whyNot !== null) return;
                  close();
                  action.run(agent);
                }}
              >
                <Icon name={action.icon} />
                <span>{action.label}</span>
                {action.key && (
                  <span class="kbd" aria-hidden="true">
                    {keycap(action.key)}
                  </span>
                )}
              </button>
            );
          })}
        </div>
      )}
    </div>
  );
}
