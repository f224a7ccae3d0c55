/** The real terminal of an agent: watched by every operator, written by the holder. */
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { textPieces } from '../../../host/text.ts';
import type { AgentView, TerminalInfo } from '../../console-protocol.ts';
import { dialog, isMine } from '../state/store.ts';
import { Button } from '../ui/button.tsx';
import { showDone, showError } from '../ui/toasts.tsx';
import type { Screen } from './screen.ts';
import { openTerminalLink, type TerminalLink } from './terminal-link.ts';

/** One message holds at most 64 KB: a large paste goes in parts. */
const INPUT_CHARS_MAX = 16_000;

export function TerminalView({ agent }: { agent: AgentView }) {
  const pane = useRef<HTMLDivElement>(null);
  const screen = useRef<Screen | null>(null);
  const link = useRef<TerminalLink | null>(null);
  const info = useSignal<TerminalInfo | null>(null);
  const ready = useSignal<'loading' | 'waiting' | 'connected' | 'lost'>('loading');
  /** Which window decides the size, as the host says. */
  const sized = useSignal<'this' | 'other' | null>(null);

  const mine = isMine(agent) && agent.lease?.phase === 'held';
  const generation = agent.lease?.generation ?? 0;
  const now = useRef({ mine, generation, agent });
  now.current = { mine, generation, agent };

  /** How much fits here: the terminal takes that size while this window decides. */
  const claim = (): void => {
    screen.current?.layout();
    const room = screen.current?.room();
    if (!now.current.mine || !info.value || !room) return;
    link.current?.send({ type: 'resize', generation: now.current.generation, ...room });
  };
  /** This window was clicked or focused. */
  const use = (): void => {
    if (now.current.mine && info.value && sized.value !== 'this')
      link.current?.send({ type: 'use', generation: now.current.generation });
  };

  useEffect(() => {
    let gone = false;
    const observer = new ResizeObserver(claim);
    window.addEventListener('focus', use);
    void import('./screen.ts').then(
      ({ openScreen }) => {
        if (gone || !pane.current) return;
        const opened = openScreen(pane.current, claim);
        screen.current = opened;
        // The lease may have come before the code did.
        opened.setInput(now.current.mine);
        ready.value = 'waiting';
        observer.observe(pane.current);
        opened.onInput((data) => {
          if (!now.current.mine) return;
          for (const part of textPieces(data, INPUT_CHARS_MAX)) {
            link.current?.send({ type: 'input', generation: now.current.generation, data: part });
          }
        });
        opened.onKey((event) => {
          // The way out, the same key as in `aether attach`; everything else belongs to the program.
          if (!(event.ctrlKey && event.key === ']')) return false;
          if (event.type === 'keydown' && now.current.mine) {
            dialog.value = { kind: 'handback', agent: now.current.agent.name };
          }
          return true;
        });
        link.current = openTerminalLink(agent.name, {
          screen(next) {
            opened.reset();
            if (next) opened.setSize(next.cols, next.rows);
            info.value = next;
            queueMicrotask(claim);
            if (document.hasFocus()) queueMicrotask(use);
            if (now.current.mine) opened.focus();
          },
          output: (data, drawn) => opened.write(data, drawn),
          size(cols, rows) {
            if (info.value) info.value = { ...info.value, cols, rows };
            opened.setSize(cols, rows);
          },
          sized(by) {
            sized.value = by;
          },
          refused: showError,
          connected(yes) {
            ready.value = yes ? 'connected' : 'lost';
          },
        });
      },
      (error: unknown) => {
        showError({
          code: 'console.load',
          who: 'host',
          message: `The terminal could not be loaded: ${String(error)}`,
          next: 'Reload the page.',
        });
      },
    );
    return () => {
      gone = true;
      observer.disconnect();
      window.removeEventListener('focus', use);
      link.current?.close();
      screen.current?.dispose();
      screen.current = null;
      link.current = null;
    };
  }, [agent.name]);

  useEffect(() => {
    screen.current?.setInput(mine);
    claim();
    if (!mine) return;
    if (document.hasFocus()) use();
    screen.current?.focus();
  }, [mine, generation]);

  const empty = ready.value !== 'loading' && ready.value !== 'waiting' && info.value === null;
  return (
    <section class="terminal" aria-label={`Terminal of ${agent.name}`}>
      <TerminalBar screen={screen} size={info.value} mine={mine} sized={sized.value} state={ready.value} />
      <div class="terminal-frame" onPointerDown={use} onFocusIn={use}>
        <div
          class={`terminal-pane ${mine && sized.value !== 'other' ? '' : 'boxed'}`}
          ref={pane}
          hidden={empty}
        />
        {empty && <NoTerminal agent={agent} />}
      </div>
    </section>
  );
}

function NoTerminal({ agent }: { agent: AgentView }) {
  const off = agent.verbs.start === null || agent.requested === 'start';
  return (
    <div class="empty">
      {off ? (
        <p>{agent.name} is not running, so there is no terminal to look at.</p>
      ) : agent.lease ? (
        <p>
          {agent.lease.phase === 'pending'
            ? agent.can.takeover === 'beside'
              ? 'The terminal is starting.'
              : 'The terminal opens here as soon as the boundary is reached.'
            : 'The agent is being handed back.'}
        </p>
      ) : (
        <>
          <p>
            <b>{agent.name} runs without a terminal.</b>
          </p>
          <p>
            Its engine talks to the host over a structured channel, which the Live view shows. Watching never
            changes that; taking over continues the same conversation in a real terminal
            {agent.can.takeover === 'beside' && ' beside it'}.
          </p>
          <Button
            label="Take over"
            icon="hand"
            hint="t"
            whyNot={agent.verbs.takeover}
            onPress={() => {
              dialog.value = { kind: 'takeover', agent: agent.name };
            }}
          />
        </>
      )}
    </div>
  );
}

function TerminalBar(props: {
  screen: { current: Screen | null };
  size: { cols: number; rows: number } | null;
  mine: boolean;
  sized: 'this' | 'other' | null;
  state: 'loading' | 'waiting' | 'connected' | 'lost';
}) {
  const words = useSignal('');
  const missing = useSignal(false);
  const find = (direction: 'next' | 'previous'): void => {
    missing.value = words.value !== '' && props.screen.current?.search(words.value, direction) === false;
  };
  const copy = async (): Promise<void> => {
    const text = props.screen.current?.selection() ?? '';
    if (text === '') return showDone('Select something first, then copy.');
    try {
      await navigator.clipboard.writeText(text);
      showDone('Copied.');
    } catch {
      showError({
        code: 'console.clipboard',
        who: 'user',
        message: 'The browser does not let this page write to the clipboard.',
        next: 'Use the copy of the browser: Ctrl-Shift-C or the context menu.',
      });
    }
  };
  if (!props.size) return null;
  const state =
    props.state === 'lost'
      ? 'Not connected; what you see is old'
      : !props.mine
        ? 'Watching, read-only'
        : props.sized === 'other'
          ? 'Sized by another window of yours · click or type to size it here'
          : 'Your keys go to the program · Ctrl-] hands back';
  return (
    <div class="terminal-bar">
      <span class={props.state === 'lost' ? 'bad' : 'faint'}>{state}</span>
      <span class="faint size">
        {props.size.cols}×{props.size.rows}
      </span>
      <input
        class={`field ${missing.value ? 'missing' : ''}`}
        type="search"
        placeholder="Search output"
        aria-label="Search the terminal"
        aria-invalid={missing.value || undefined}
        value={words.value}
        onInput={(event) => {
          words.value = event.currentTarget.value;
          if (words.value === '') props.screen.current?.clearSearch();
          find('previous');
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter') find(event.shiftKey ? 'next' : 'previous');
          if (event.key === 'Escape') props.screen.current?.focus();
        }}
      />
      <Button label="Copy" tone="quiet" offline onPress={() => void copy()} />
    </div>
  );
}
