/** At the edge of what an agent did: what was said of it, and how to say it. One button until it is pressed. */
import { useState } from 'preact/hooks';
import { DownIcon, UpIcon } from '../memory/icons.tsx';
import { linkToMemory } from '../state/place.ts';
import { FeedbackForm } from '../ui/feedback-form.tsx';
import { memo } from '../ui/memo.ts';
import type { Item } from './items.ts';

export const Judged = memo(({ item, agent }: { item: Item; agent: string }) => {
  const [open, setOpen] = useState(false);
  const { act, judged, seq } = item;
  if (act === null) return null;
  if (open) {
    return (
      <div class="judging">
        <FeedbackForm about={{ agent, event: seq }} what={act} onDone={() => setOpen(false)} />
      </div>
    );
  }
  return (
    <span class={`judge ${judged?.thumb ?? ''}`}>
      {judged !== null && judged.kept !== null && (
        <a class="link" href={linkToMemory(agent, { memory: judged.kept })}>
          {judged.thumb === 'up' ? 'Good' : 'Bad'}
        </a>
      )}
      <button
        type="button"
        class="judge-button"
        aria-label={labelOf(act, judged)}
        data-tip={labelOf(act, judged)}
        onClick={() => setOpen(true)}
      >
        {judged?.thumb === 'down' ? <DownIcon /> : <UpIcon />}
      </button>
    </span>
  );
});

function labelOf(act: string, judged: Item['judged']): string {
  if (judged === null) return `Say whether ${act} was good`;
  return `${judged.by} said that ${act} was ${judged.thumb === 'up' ? 'good' : 'bad'}. Say something else`;
}
