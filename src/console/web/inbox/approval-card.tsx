/** A question of an agent: what is asked, what happens without an answer, and the answer. */
import { useSignal } from '@preact/signals';
import { useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { show } from '../../../host/shown/pieces.ts';
import { plainLine } from '../../../host/shown/plain.ts';
import type { ApprovalView } from '../../console-protocol.ts';
import { Markdown } from '../live/markdown.tsx';
import { answer } from '../state/actions.ts';
import { exactTimeOf } from '../state/clock.ts';
import { linkTo } from '../state/place.ts';
import { agents, busy } from '../state/store.ts';
import { Age } from '../ui/age.tsx';
import { AsSent } from '../ui/as-sent.tsx';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/icon.tsx';
import { Shown, Warnings } from '../ui/shown.tsx';
import { AskedView } from './asked-view.tsx';

export function ApprovalCard({ approval, where }: { approval: ApprovalView; where: 'inbox' | 'live' }) {
  const question = approval.kind === 'question';
  const agent = agents.value.get(approval.agent);
  const waits = agent && (agent.hold !== null || agent.activity === 'paused');
  return (
    <article
      class={`approval in-${where}`}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the keys a and d act on the card that has focus
      tabIndex={0}
      data-nav
      data-approval={approval.id}
      aria-label={`${approval.agent} asks: ${plainLine(approval.title, 'prose', 240)}`}
    >
      <header>
        <Icon name={question ? 'ask' : 'key'} />
        {where === 'inbox' ? (
          <a href={linkTo(approval.agent)}>
            <b>{approval.agent}</b>
          </a>
        ) : (
          <b>{question ? 'Question' : 'Permission'}</b>
        )}
        <span class="faint">{where === 'live' ? '' : question ? 'asks' : 'wants to use'}</span>
        <Age since={approval.opened_ms} />
      </header>
      {question ? <Question approval={approval} /> : <Permission approval={approval} />}
      <p class="otherwise" data-tip={`Asked ${exactTimeOf(approval.opened_ms)}`}>
        <Icon name="clock" />
        <span>
          {approval.otherwise}
          {waits && ` ${approval.agent} stands still: an answer reaches it once it is resumed.`}
        </span>
      </p>
    </article>
  );
}

function Permission({ approval }: { approval: ApprovalView }) {
  const reason = useSignal<string | null>(null);
  const reasonField = useRef<HTMLInputElement>(null);
  // At once: the browser's own autofocus comes a frame later, and what is typed until then would be lost.
  useLayoutEffect(() => reasonField.current?.focus(), [reason.value === null]);
  const tool = typeof approval.detail.tool === 'string' ? approval.detail.tool : approval.title;
  const working = busy.value.has(`answer ${approval.id}`);
  const deny = (text: string): void => {
    void answer(approval, text === '' ? { allow: false } : { allow: false, text });
  };
  return (
    <>
      <AskedView tool={tool} input={approval.detail.input} />
      {reason.value === null ? (
        <div class="answers">
          <Button
            label="Allow"
            hint="a"
            tone="primary"
            busy={working}
            onPress={() => void answer(approval, { allow: true })}
          />
          <Button label="Deny" hint="d" busy={working} onPress={() => deny('')} />
          <Button
            label="Deny because…"
            tone="quiet"
            offline
            onPress={() => {
              reason.value = '';
            }}
          />
        </div>
      ) : (
        <form
          class="answers"
          onSubmit={(event) => {
            event.preventDefault();
            deny(reason.value ?? '');
          }}
        >
          <input
            class="field"
            aria-label="Why it is denied; the agent reads this"
            placeholder="Why; the agent reads this"
            ref={reasonField}
            value={reason.value}
            onInput={(event) => {
              reason.value = event.currentTarget.value;
            }}
            onKeyDown={(event) => {
              if (event.key === 'Escape') reason.value = null;
            }}
          />
          <Button label="Deny" type="submit" busy={working} />
        </form>
      )}
    </>
  );
}

function Question({ approval }: { approval: ApprovalView }) {
  const text = useSignal('');
  const question = typeof approval.detail.question === 'string' ? approval.detail.question : approval.title;
  const choices = Array.isArray(approval.detail.choices) ? approval.detail.choices.map(String) : [];
  const working = busy.value.has(`answer ${approval.id}`);
  const warnings = useMemo(
    () => [...new Set([question, ...choices].flatMap((one) => show(one, 'prose').warnings))],
    [approval.id, question],
  );
  return (
    <>
      <Warnings list={warnings} />
      <Markdown source={question} />
      <AsSent value={question} />
      {choices.length > 0 && (
        <div class="answers">
          {choices.map((choice, index) => (
            <Button
              key={choice}
              label={<Shown text={choice} as="prose" />}
              name={plainLine(choice, 'prose', 400)}
              hint={index < 9 ? String(index + 1) : undefined}
              busy={working}
              onPress={() => void answer(approval, { text: choice })}
            />
          ))}
        </div>
      )}
      <form
        class="answers"
        onSubmit={(event) => {
          event.preventDefault();
          if (text.value.trim() !== '') void answer(approval, { text: text.value.trim() });
        }}
      >
        <input
          class="field"
          aria-label={`Answer to ${approval.agent}`}
          placeholder={choices.length > 0 ? 'Or in your words' : 'Your answer'}
          value={text.value}
          onInput={(event) => {
            text.value = event.currentTarget.value;
          }}
        />
        <Button
          label="Answer"
          type="submit"
          tone={text.value.trim() === '' ? 'plain' : 'primary'}
          busy={working}
          whyNot={text.value.trim() === '' ? 'Write an answer first.' : null}
        />
      </form>
    </>
  );
}
