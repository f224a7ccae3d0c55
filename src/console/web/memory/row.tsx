/** One memory of a list, in two or three lines. */

import type { CuratedMemory } from '../../../host/api.ts';
import { plainLine } from '../../../host/shown/plain.ts';
import { exactTimeOf } from '../state/clock.ts';
import { linkToMemory } from '../state/place.ts';
import { Age } from '../ui/age.tsx';
import { Icon } from '../ui/icon.tsx';
import { memo } from '../ui/memo.ts';
import { PinIcon } from './icons.tsx';
import { holderName, STATE_MEANING, STATE_WORD, whoName } from './words.ts';

const TEXT_CHARS = 320;

interface Props {
  memory: CuratedMemory;
  agent: string | null;
  asked: string;
}

export const MemoryRow = memo(({ memory, agent, asked }: Props) => {
  const { id, key, text, tags, holder, author, layer, pinned, instructs, found } = memory;
  const stranger = author !== holder && whoName(author) !== agent;
  return (
    <li>
      <a class={`memory-row ${memory.state}`} href={linkToMemory(agent, { memory: id, asked })} data-nav>
        <span class="memory-text">
          {key !== null && <b class="mono">{plainLine(key, 'code', 80)}</b>}{' '}
          {plainLine(text, 'prose', TEXT_CHARS)}
        </span>
        <span class="memory-facts">
          <StateMark state={memory.state} />
          {pinned && (
            <span class="memory-pin">
              <PinIcon />
              pinned
            </span>
          )}
          {agent === null && <span>{plainLine(holderName(holder), 'code', 60)}</span>}
          <span>{layer}</span>
          {stranger && <span>by {plainLine(whoName(author), 'code', 60)}</span>}
          {tags.slice(0, 4).map((tag) => (
            <span key={tag} class="tag">
              {plainLine(tag, 'code', 40)}
            </span>
          ))}
          {tags.length > 4 && <span>+{tags.length - 4}</span>}
          {instructs && (
            <span class="memory-warns">
              <Icon name="warn" />
              reads like instructions
            </span>
          )}
          <span class="memory-age" title={exactTimeOf(memory.updated_ms)}>
            <Age since={memory.updated_ms} />
          </span>
        </span>
        {found !== undefined && <span class="memory-found">{plainLine(found, 'prose', 240)}</span>}
      </a>
    </li>
  );
});

/** What is live says nothing. */
export function StateMark({ state, always = false }: { state: CuratedMemory['state']; always?: boolean }) {
  if (state === 'live' && !always) return null;
  return (
    <span class={`memory-state ${state}`} data-tip={STATE_MEANING[state]}>
      {STATE_WORD[state]}
    </span>
  );
}
