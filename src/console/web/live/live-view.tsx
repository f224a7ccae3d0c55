/**
 * The conversation. New content never moves what is being read: at the end it follows, elsewhere a pill says
 * how much is new. Drawn in chunks the browser may skip while they are out of sight.
 */
import { useComputed, useSignalEffect } from '@preact/signals';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { AgentView } from '../../console-protocol.ts';
import { closeTranscript, type OpenTranscript, openTranscript } from '../state/transcripts.ts';
import { Icon } from '../ui/icon.tsx';
import { memo } from '../ui/memo.ts';
import { ActivityLine } from './activity-line.tsx';
import { Composer } from './composer.tsx';
import { ItemView } from './item-view.tsx';
import type { Item } from './items.ts';
import { WaitingView } from './waiting-view.tsx';

const CHUNK = 40;
/** Closer to the end than this counts as being there. */
const END_PX = 48;

export function LiveView({ agent }: { agent: AgentView }) {
  const transcript = useMemo(() => openTranscript(agent.name), [agent.name]);
  useEffect(() => () => closeTranscript(transcript), [transcript]);
  return (
    <section class="live" aria-label={`Conversation of ${agent.name}`}>
      <Scroller key={agent.name} agent={agent} transcript={transcript} />
      <WaitingView agent={agent} transcript={transcript} />
      <Composer agent={agent} />
    </section>
  );
}

function Scroller({ agent, transcript }: { agent: AgentView; transcript: OpenTranscript }) {
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const [following, setFollowing] = useState(true);
  const [unseen, setUnseen] = useState(0);
  const lastKey = useRef<string | null>(null);
  const lastTop = useRef(0);
  transcript.following = following;

  const toEnd = (): void => {
    const element = scroller.current;
    if (element) element.scrollTop = element.scrollHeight;
  };

  useSignalEffect(() => {
    const items = transcript.items.value;
    const before = lastKey.current;
    lastKey.current = items.at(-1)?.key ?? null;
    if (transcript.following || before === null) return;
    const at = items.findLastIndex((item) => item.key === before);
    if (at >= 0 && at < items.length - 1) setUnseen((count) => count + items.length - 1 - at);
  });

  // Whatever changes the height — new items, an opened call, a wider pane — the end stays in view when followed.
  useLayoutEffect(() => {
    const observer = new ResizeObserver(() => {
      if (transcript.following) toEnd();
    });
    observer.observe(content.current!);
    observer.observe(scroller.current!);
    return () => observer.disconnect();
  }, [transcript]);

  const onScroll = (): void => {
    const element = scroller.current;
    // The browser tells of scrolling a frame later; the page may show something else by then.
    if (!element) return;
    const atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < END_PX;
    const up = element.scrollTop < lastTop.current;
    lastTop.current = element.scrollTop;
    // Content that grows puts the end out of sight as well; only scrolling up means that it is being read.
    if (!atEnd && !up) return;
    setFollowing(atEnd);
    transcript.following = atEnd;
    if (atEnd) setUnseen(0);
  };

  // Opening something near the end must not push it out of sight: reading begins, following stops.
  const onPointerDown = (event: Event): void => {
    if ((event.target as Element).closest('summary')) {
      transcript.following = false;
      setFollowing(false);
    }
  };

  return (
    <div class="live-frame">
      <div
        class="live-scroll scroll"
        ref={scroller}
        onScroll={onScroll}
        onPointerDown={onPointerDown}
        onKeyDown={onPointerDown}
        data-pane="live"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
        tabIndex={0}
        role="log"
        aria-live="off"
        aria-label="Conversation"
      >
        <div class="live-content" ref={content}>
          <Earlier transcript={transcript} scroller={scroller} />
          <Chunks transcript={transcript} />
          {transcript.phase.value === 'catching-up' && <p class="empty">Catching up…</p>}
          <ActivityLine agent={agent} />
        </div>
      </div>
      {!following && (
        <button
          type="button"
          class="pill"
          onClick={() => {
            setFollowing(true);
            transcript.following = true;
            setUnseen(0);
            toEnd();
          }}
        >
          <Icon name="down" />
          {unseen > 0 ? `${unseen} new` : 'Newest'}
        </button>
      )}
    </div>
  );
}

function Chunks({ transcript }: { transcript: OpenTranscript }) {
  const chunks = useComputed(() => chunk(transcript.items.value));
  if (transcript.phase.value === 'loading') return <p class="empty">Loading…</p>;
  return (
    <>
      {chunks.value.map((items) => (
        <Chunk key={items[0]!.key} items={items} agent={transcript.agent} />
      ))}
    </>
  );
}

const Chunk = memo(({ items, agent }: { items: readonly Item[]; agent: string }) => (
  <div class="chunk">
    {items.map((item) => (
      <ItemView key={item.key} item={item} agent={agent} />
    ))}
  </div>
));

let cache: { items: readonly Item[]; chunks: (readonly Item[])[] } = { items: [], chunks: [] };

/** Chunks begin at the same items while items are added, and an unchanged chunk stays the same array. */
function chunk(items: readonly Item[]): (readonly Item[])[] {
  const before = new Map(cache.chunks.map((part) => [part[0]!.key, part]));
  const chunks: (readonly Item[])[] = [];
  for (let at = 0; at < items.length; ) {
    let end = at + 1;
    while (end < items.length && end - at < CHUNK && !before.has(items[end]!.key)) end += 1;
    const old = before.get(items[at]!.key);
    const part = items.slice(at, end);
    const same = old?.length === part.length && old.every((item, index) => item === part[index]);
    chunks.push(same ? old : part);
    at = end;
  }
  cache = { items, chunks };
  return chunks;
}

function Earlier({
  transcript,
  scroller,
}: {
  transcript: OpenTranscript;
  scroller: { current: HTMLElement | null };
}) {
  if (!transcript.earlier.value) return null;
  const load = async (): Promise<void> => {
    const element = scroller.current!;
    const fromEnd = element.scrollHeight - element.scrollTop;
    await transcript.loadEarlier();
    // Browsers without scroll anchoring would jump: keep the distance from the end.
    requestAnimationFrame(() => {
      element.scrollTop = element.scrollHeight - fromEnd;
    });
  };
  return (
    <button type="button" class="button quiet earlier" onClick={() => void load()}>
      Load earlier
    </button>
  );
}
