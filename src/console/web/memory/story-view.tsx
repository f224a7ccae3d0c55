/** The page of a memory: what it says, whether it stands, why it is believed, and what people can do about it. */
import { useEffect, useMemo } from 'preact/hooks';
import type { CuratedMemory, MemoryStory } from '../../../host/api.ts';
import { show } from '../../../host/shown/pieces.ts';
import { go, linkToMemory, place } from '../state/place.ts';
import { busy, dialog } from '../state/store.ts';
import { AsSent } from '../ui/as-sent.tsx';
import { Button } from '../ui/button.tsx';
import { FeedbackForm } from '../ui/feedback-form.tsx';
import { Icon } from '../ui/icon.tsx';
import { Shown, Warnings, WholeText } from '../ui/shown.tsx';
import { useMemoryChanges } from './changes.ts';
import { EditDialog } from './edit-dialog.tsx';
import { ForgetDialog } from './forget-dialog.tsx';
import { Gone } from './gone.tsx';
import { EditIcon, PinIcon } from './icons.tsx';
import { StateMark } from './row.tsx';
import { OpenStory, pin, restate } from './story.ts';
import { Contradictions, Facts, Feedback, History, Links, Readers, Standing, Why } from './story-parts.tsx';

interface Props {
  agent: string | null;
  id: string;
  asked: string;
}

export function StoryView({ agent, id, asked }: Props) {
  const open = useMemo(() => new OpenStory(id), [id]);
  useEffect(() => void open.load(), [open]);
  useMemoryChanges(() => void open.load());
  const story = open.story.value;
  return (
    <section class="memory-story" aria-label="Memory" data-pane="memory">
      <div class="scroll">
        <div class="story">
          <a class="button quiet back-to-list" href={linkToMemory(agent, { asked })}>
            <Icon name="back" />
            <span>{asked === '' ? 'All memories' : 'Back to the list'}</span>
          </a>
          {story !== null ? (
            <Story
              story={story}
              others={open.others.value}
              chain={open.chain.value}
              agent={agent}
              asked={asked}
            />
          ) : open.problem.value !== null ? (
            <Gone id={id} problem={open.problem.value} />
          ) : (
            <p class="empty">Loading…</p>
          )}
        </div>
      </div>
    </section>
  );
}

interface StoryProps {
  story: MemoryStory;
  others: readonly MemoryStory[];
  chain: ReadonlyMap<string, CuratedMemory>;
  agent: string | null;
  asked: string;
}

function Story({ story, others, chain, agent, asked }: StoryProps) {
  const { memory } = story;
  const link = (id: string): string => linkToMemory(agent, { memory: id, asked });
  const warnings = useMemo(() => show(memory.text, 'prose').warnings, [memory.text]);
  return (
    <>
      <header class="story-head">
        <StateMark state={memory.state} always />
        <h2>
          {memory.key === null ? (
            <span class="faint">No key</span>
          ) : (
            <span class="mono">
              <Shown text={memory.key} as="code" />
            </span>
          )}
        </h2>
        <Actions story={story} agent={agent} asked={asked} />
      </header>
      <Standing
        memory={memory}
        chain={chain}
        link={link}
        restating={busy.value.has(`edit ${memory.id}`)}
        onRestate={async () => {
          const made = await restate(memory.id);
          if (made) open(agent, made.id, asked);
        }}
      />
      <Warnings list={warnings} />
      {memory.instructs && (
        <p class="memory-note weak">
          It reads like instructions. Agents are shown it as a note of {memory.author}, not to be followed.
        </p>
      )}
      <div class="story-text prose">
        <WholeText text={memory.text} as="prose" />
      </div>
      <AsSent value={memory.text} />
      <Facts memory={memory} />
      <Contradictions story={story} others={others} link={link} />
      <Why story={story} link={link} />
      <Links title="Rests on" links={story.sources} link={link} />
      <Links title="What rests on it" links={story.dependants} link={link} />
      <History story={story} link={link} />
      <Readers story={story} />
      <Feedback story={story} link={link} />
    </>
  );
}

/** To a memory, where its page is still open that it comes from. */
function open(agent: string | null, memory: string | null, asked: string): void {
  if (place.value.at === 'memory') go({ at: 'memory', memory, asked });
  else if (agent !== null) go({ at: 'agent', agent, tab: 'memory', memory, asked });
}

function Actions({ story, agent, asked }: Omit<StoryProps, 'others' | 'chain'>) {
  const { memory } = story;
  const history = memory.state === 'superseded' ? 'It is history: change what stands in its place.' : null;
  return (
    <div class="story-actions">
      <FeedbackForm about={{ memory: memory.id }} what="this memory" />
      <Button
        label={memory.pinned ? 'Unpin' : 'Pin'}
        icon={<PinIcon />}
        tip="Pinned, it is given to agents first, and is never named for forgetting."
        whyNot={history}
        busy={busy.value.has(`pin ${memory.id}`)}
        onPress={() => void pin(memory)}
      />
      <Button
        label="Edit…"
        icon={<EditIcon />}
        whyNot={history}
        onPress={() => {
          dialog.value = {
            kind: 'own',
            draw: () => <EditDialog memory={memory} onSaved={(id) => open(agent, id, asked)} />,
          };
        }}
      />
      <Button
        label="Forget…"
        icon="cross"
        onPress={() => {
          dialog.value = {
            kind: 'own',
            draw: () => <ForgetDialog story={story} onGone={() => open(agent, null, asked)} />,
          };
        }}
      />
    </div>
  );
}
