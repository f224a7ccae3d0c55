/** Draws mail, memory and reports. */
import { linkToMemory } from '../state/place.ts';
import { Icon } from '../ui/icon.tsx';
import { Shown } from '../ui/shown.tsx';
import type { Deed } from './items.ts';
import { Markdown } from './markdown.tsx';

const who = (principal: string): string => principal.replace(/^(agent|client):/, '');

const STATUS: Record<string, string> = {
  progress: 'In progress',
  done: 'Done',
  blocked: 'Blocked',
  failed: 'Failed',
};

/** Alone on the page: without the call that did it. */
export function DeedView({ deed }: { deed: Deed }) {
  return (
    <div class="deed">
      <DeedBody deed={deed} />
    </div>
  );
}

export function DeedBody({ deed }: { deed: Deed }) {
  switch (deed.kind) {
    case 'mail':
      return (
        <article class="card mail" aria-label="Mail">
          <header>
            <Icon name="mail" />
            <b>
              <Shown text={deed.subject || 'No subject'} as="prose" />
            </b>
            <span class="faint">
              {who(deed.from)} to {who(deed.to)}
            </span>
          </header>
          <Markdown source={deed.body} />
        </article>
      );
    case 'memory':
      return (
        <article class="card memory" aria-label="Memory">
          <header>
            <Icon name="memory" />
            <b>
              <Shown text={deed.forgotten ? 'Forgotten' : (deed.key ?? 'Memory')} as="code" />
            </b>
            <span class="faint">{[deed.scope, ...deed.tags].filter(Boolean).join(' · ')}</span>
            {deed.id !== null && (
              <a class="card-link" href={linkToMemory(null, { memory: deed.id })}>
                Open
              </a>
            )}
          </header>
          <p>
            <Shown text={deed.text} as="prose" />
          </p>
        </article>
      );
    case 'report':
      return (
        <article class={`card report ${deed.status}`} aria-label="Report">
          <header>
            <Icon name="report" />
            <b>{STATUS[deed.status] ?? deed.status}</b>
          </header>
          <Markdown source={[deed.summary, deed.details].filter(Boolean).join('\n\n')} />
        </article>
      );
  }
}
