/** The parts of a memory's page. What agents wrote is shown as text. */
import type { ComponentChildren } from 'preact';
import type { CuratedMemory, MemoryStory } from '../../../host/api.ts';
import { diffLines } from '../../../host/shown/diff.ts';
import { plainLine } from '../../../host/shown/plain.ts';
import { DiffView } from '../live/diff-view.tsx';
import { linkTo } from '../state/place.ts';
import { agents } from '../state/store.ts';
import { Age } from '../ui/age.tsx';
import { Button } from '../ui/button.tsx';
import { Shown, WholeText } from '../ui/shown.tsx';
import { DownIcon, PinIcon, UpIcon } from './icons.tsx';
import { StateMark } from './row.tsx';
import { countOf, dateOf, holderName, IMPORTANCE, LAYER_MEANING, shortId, whoName } from './words.ts';

type Link = (id: string) => string;
const LINE_CHARS = 240;

function Part({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="story-part" aria-label={title}>
      <h3>{title}</h3>
      {children}
    </section>
  );
}

/** Why it does not stand, and how it can again. */
export function Standing(props: {
  memory: CuratedMemory;
  chain: ReadonlyMap<string, CuratedMemory>;
  link: Link;
  restating: boolean;
  onRestate(): void;
}) {
  const { memory, link } = props;
  const { state, stale, superseded_by, superseded_ms, expires_ms } = memory;
  if (state === 'superseded') {
    return (
      <p class="standing-note">
        A newer statement took its place
        {superseded_ms !== null && ` on ${dateOf(superseded_ms)}`}:{' '}
        {superseded_by === null ? 'it was forgotten.' : <IdLink id={superseded_by} link={link} />}
      </p>
    );
  }
  if (state === 'expired') {
    return (
      <p class="standing-note">
        Its time is over{expires_ms !== null && ` since ${dateOf(expires_ms)}`}. No agent is given it unasked;
        edit it to let it stand again.
      </p>
    );
  }
  if (stale === undefined) return null;
  return (
    <div class="standing-note warns">
      <p>
        {state === 'stale' ? 'It is stale' : 'It may be stale'}: {HAPPENED[stale.what]} on{' '}
        {dateOf(stale.at_ms)}.
      </p>
      <ol class="chain" aria-label="How it rests on that">
        {[...stale.through, stale.source].map((id) => (
          <li key={id}>
            {state === 'stale' ? 'rests on' : 'may rest on'}{' '}
            <a class="link" href={link(id)} data-tip={id}>
              {plainLine(props.chain.get(id)?.text ?? shortId(id), 'prose', 120)}
            </a>
            {id === stale.source && <span class="faint"> ({WHAT[stale.what]})</span>}
          </li>
        ))}
      </ol>
      <Button
        label="It is still so"
        icon="check"
        tip="States it again as your word, which rests on nothing else."
        busy={props.restating}
        onPress={props.onRestate}
      />
    </div>
  );
}

const HAPPENED = {
  superseded: 'what it rests on was replaced',
  expired: 'the time of what it rests on was found over',
  forgotten: 'what it rests on was forgotten',
} as const;

const WHAT = { superseded: 'replaced', expired: 'expired', forgotten: 'forgotten' } as const;

const IdLink = ({ id, link }: { id: string; link: Link }) => (
  <a class="link mono" href={link(id)} data-tip={id}>
    {shortId(id)}
  </a>
);

export function Facts({ memory }: { memory: CuratedMemory }) {
  const { id, holder, layer, importance, pinned, tags, author, version, key } = memory;
  const { created_ms, valid_from_ms, expires_ms } = memory;
  return (
    <dl class="story-facts">
      <Fact name="Of">{plainLine(holderName(holder), 'code', 120)}</Fact>
      <Fact name="By">{plainLine(whoName(author), 'code', 120)}</Fact>
      <Fact name="Stored">{dateOf(created_ms)}</Fact>
      {key !== null && <Fact name="Version">{version}</Fact>}
      <Fact name="Layer">{LAYER_MEANING[layer] ?? layer}</Fact>
      <Fact name="Importance">{`${IMPORTANCE[importance] ?? importance} (${importance} of 3)`}</Fact>
      {pinned && (
        <Fact name="Pinned">
          <PinIcon /> given first
        </Fact>
      )}
      {valid_from_ms !== null && <Fact name="True from">{dateOf(valid_from_ms)}</Fact>}
      {expires_ms !== null && <Fact name="Expires">{dateOf(expires_ms)}</Fact>}
      {tags.length > 0 && (
        <Fact name="Tags">
          {tags.map((tag) => (
            <span key={tag} class="tag">
              {plainLine(tag, 'code', 64)}
            </span>
          ))}
        </Fact>
      )}
      <Fact name="Id">
        <span class="mono">{id}</span>
      </Fact>
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** Side by side, with dates and with what each rests on: the reader decides. */
export function Contradictions({ story, others, link }: Told & { others: readonly MemoryStory[] }) {
  if (story.contradictedBy.length === 0) return null;
  const more = story.contradictedBy.length - others.length;
  return (
    <Part title="Contradicted">
      <p class="soft">
        {countOf(story.contradictedBy.length, 'live memory says', 'live memories say')} something else. Agents
        are shown them together, until one is edited, replaced or forgotten.
      </p>
      <div class="side-by-side">
        <Side story={story} title="This memory" link={link} />
        {others.map((other) => (
          <Side key={other.memory.id} story={other} title="Another" link={link} open />
        ))}
      </div>
      {more > 0 && <p class="faint">{more} more are not shown.</p>}
    </Part>
  );
}

function Side({ story, title, link, open = false }: Told & { title: string; open?: boolean }) {
  const { memory, sources } = story;
  return (
    <article class="side" aria-label={title}>
      <header>
        <b>{title}</b>
        <StateMark state={memory.state} />
        <span class="faint">{dateOf(memory.created_ms)}</span>
      </header>
      <div class="side-text">
        <WholeText text={memory.text} as="prose" />
      </div>
      <p class="faint">
        by {plainLine(whoName(memory.author), 'code', 80)}, of{' '}
        {plainLine(holderName(memory.holder), 'code', 80)}
        {sources.length === 0 ? '; names no source' : '; rests on '}
        {sources.map(({ id }, at) => (
          <span key={id}>
            {at > 0 && ', '}
            <IdLink id={id} link={link} />
          </span>
        ))}
      </p>
      {open && (
        <a class="link" href={link(memory.id)}>
          Open it
        </a>
      )}
    </article>
  );
}

interface Told {
  story: MemoryStory;
  link: Link;
}

const ID = /([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})/;

export function Why({ story, link }: Told) {
  return (
    <Part title="Why it is believed">
      <ul class="because">
        {story.because.map((sentence) => (
          <li key={sentence}>
            {sentence
              .split(ID)
              .map((part, at) =>
                at % 2 === 1 ? (
                  <IdLink key={at} id={part} link={link} />
                ) : (
                  <Shown key={at} text={part} as="prose" />
                ),
              )}
          </li>
        ))}
      </ul>
    </Part>
  );
}

const KIND = { derived: 'as its author said', possible: 'possibly: its author was shown it before' } as const;

export function Links({ title, links, link }: { title: string; links: MemoryStory['sources']; link: Link }) {
  if (links.length === 0) return null;
  return (
    <Part title={title}>
      <ul class="story-lines">
        {links.map(({ id, kind, memory }) => (
          <li key={id}>
            {memory === null ? (
              <span class="faint">
                <span class="mono">{shortId(id)}</span> is forgotten
              </span>
            ) : (
              <a class="line-link" href={link(id)}>
                <StateMark state={memory.state} />
                <span>{plainLine(memory.text, 'prose', LINE_CHARS)}</span>
              </a>
            )}
            <span class="faint">{KIND[kind]}</span>
          </li>
        ))}
      </ul>
    </Part>
  );
}

/** The newest first, each with what it changed of the one before. */
export function History({ story, link }: Told) {
  const { memory, history } = story;
  if (history.length === 0) return null;
  const all = [...history, memory].sort((a, b) => b.version - a.version || b.created_ms - a.created_ms);
  return (
    <Part title="History">
      <ol class="story-lines history">
        {all.map((one, at) => {
          const before = all[at + 1];
          return (
            <li key={one.id}>
              <span class="history-head">
                {memory.key !== null && <b>version {one.version}</b>}
                <StateMark state={one.state} always />
                <span class="faint">
                  {plainLine(whoName(one.author), 'code', 80)}, {dateOf(one.created_ms)}
                </span>
                {one.id === memory.id ? (
                  <span class="faint">this one</span>
                ) : (
                  <a class="link" href={link(one.id)}>
                    Open
                  </a>
                )}
              </span>
              {before === undefined ? (
                <p>{plainLine(one.text, 'prose', LINE_CHARS)}</p>
              ) : (
                <DiffView lines={diffLines(before.text, one.text)} />
              )}
            </li>
          );
        })}
      </ol>
    </Part>
  );
}

/** Its writer had it at the moment it was stored: that is no reading. */
export function Readers({ story: { shownTo: all, memory } }: { story: MemoryStory }) {
  const shownTo = all.filter(({ at_ms }) => at_ms > memory.created_ms);
  return (
    <Part title="Who was shown it">
      {shownTo.length === 0 ? (
        <p class="faint">No reader so far.</p>
      ) : (
        <>
          {memory.uses > shownTo.length && (
            <p class="faint">
              Given {countOf(memory.uses, 'time')}, to {countOf(shownTo.length, 'reader')}:
            </p>
          )}
          <ul class="story-lines readers">
            {shownTo.map(({ reader, agent, at_ms }) => (
              <li key={reader}>
                {agent === null ? (
                  <span>{plainLine(reader, 'code', 120)}</span>
                ) : (
                  <span>
                    {agents.value.has(agent) ? (
                      <a class="link" href={linkTo(agent)}>
                        {agent}
                      </a>
                    ) : (
                      agent
                    )}{' '}
                    <span class="faint mono">{reader}</span>
                  </span>
                )}
                <span class="faint">
                  <Age since={at_ms} suffix=" ago" />
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
    </Part>
  );
}

export function Feedback({ story: { feedback }, link }: Told) {
  if (feedback.length === 0) return null;
  return (
    <Part title="Feedback">
      <ul class="story-lines">
        {feedback.map(({ thumb, by, at_ms, kept }) => (
          <li key={`${at_ms} ${thumb}`}>
            <span class={`thumb ${thumb}`}>
              {thumb === 'up' ? <UpIcon /> : <DownIcon />}
              {thumb === 'up' ? 'good' : 'bad'}
            </span>
            {kept !== null && (
              <a class="line-link" href={link(kept.id)}>
                <span>{plainLine(kept.text, 'prose', LINE_CHARS)}</span>
              </a>
            )}
            <span class="faint">
              {plainLine(whoName(by), 'code', 60)}, <Age since={at_ms} suffix=" ago" />
            </span>
          </li>
        ))}
      </ul>
    </Part>
  );
}
