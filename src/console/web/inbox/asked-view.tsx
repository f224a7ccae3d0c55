/** What a tool call would do, shown before it is allowed: the steps of a command, a diff, all of its arguments. */
import { useState } from 'preact/hooks';
import { type Asked, type AskedPart, askedOf } from '../../../host/shown/asked.ts';
import { listEnds } from '../../../host/shown/ends.ts';
import type { Joint, Step } from '../../../host/shown/step.ts';
import { DiffView } from '../live/diff-view.tsx';
import { AsSent } from '../ui/as-sent.tsx';
import { memo } from '../ui/memo.ts';
import { Shown, Warnings, WholeText } from '../ui/shown.tsx';

/** Drawn once: a card is drawn again whenever something of its agent changes. */
export const AskedView = memo(({ tool, input }: { tool: string; input: unknown }) => {
  const asked = askedOf(tool, input);
  return (
    <>
      <Warnings list={asked.warnings} />
      <p class="asked">
        <b>
          <Shown text={asked.tool} as="code" />
        </b>{' '}
        {asked.target !== '' && (
          <span class="mono">
            <WholeText text={asked.target} as="code" />
          </span>
        )}
      </p>
      {asked.parts.map((part, index) => (
        <Part key={index} part={part} />
      ))}
      <AsSent value={input} text={copiedOf(asked)} />
    </>
  );
});

/** A command alone is what a person pastes. */
function copiedOf({ parts }: Asked): string | undefined {
  const [first] = parts;
  return parts.length === 1 && first?.kind === 'shell' ? first.text : undefined;
}

function Part({ part }: { part: AskedPart }) {
  switch (part.kind) {
    case 'shell':
      return <Steps steps={part.steps} unsure={part.unsure} />;
    case 'diff':
      return <DiffView lines={part.lines} />;
    case 'text':
      return (
        // biome-ignore lint/a11y/useSemanticElements: a <fieldset> would be a form's
        <div class="code" role="group" aria-label={part.label}>
          <WholeText text={part.text} as={part.as} />
        </div>
      );
  }
}

const MEANING: Partial<Record<Joint, string>> = {
  '&&': 'only if the one before worked',
  '||': 'only if the one before failed',
  '|': 'reads what the one before prints',
  '|&': 'reads what the one before prints, errors too',
  '&': 'at once: the one before runs in the background',
  ';': 'after the one before, also if that failed',
};

/** Of more steps the first and the last are shown, until the rest is asked for. */
const STEPS_MAX = 90;

function Steps({ steps, unsure }: { steps: readonly Step[]; unsure: readonly string[] }) {
  const [open, setOpen] = useState(false);
  const { head, left, tail } = listEnds(steps, open ? steps.length : STEPS_MAX);
  return (
    <>
      <ol
        class="shell-steps"
        aria-label={steps.length === 1 ? 'Command' : `Command in ${steps.length} steps`}
      >
        {head.map((step, index) => (
          <StepView key={index} step={step} first={index === 0} />
        ))}
        {left > 0 && (
          <li>
            <button type="button" class="left-out" onClick={() => setOpen(true)}>
              ⋯ {left} steps ⋯ <span>Show</span>
            </button>
          </li>
        )}
        {tail.map((step, index) => (
          <StepView key={head.length + left + index} step={step} first={false} />
        ))}
      </ol>
      {unsure.length > 0 && <Warnings list={unsure.map((what) => `Not understood: ${what}`)} />}
    </>
  );
}

function StepView({ step, first }: { step: Step; first: boolean }) {
  return (
    <li class={`shell-step ${step.kind}`} style={{ '--depth': Math.min(step.depth, 4) }}>
      <span class="joint" data-tip={first ? undefined : MEANING[step.joint]}>
        {first ? '$' : jointSign(step)}
      </span>
      <div>
        {step.gap !== null && <span class="within">{step.gap}</span>}
        {step.within !== null && (
          <span class="within">
            <Shown text={step.within} as="code" />
          </span>
        )}
        <span class="step-text">
          <WholeText text={step.text} as="code" />
        </span>
        {step.times > 1 && <span class="fold-mark"> ⋯ {step.times} times ⋯</span>}
        {step.notes.map((note) => (
          <span key={note} class="step-note">
            <Shown text={note} as="code" />
          </span>
        ))}
      </div>
    </li>
  );
}

function jointSign({ joint, depth }: Step): string {
  if (joint === '\n' || joint === ';;') return ';';
  return joint === '' && depth > 0 ? '↳' : joint;
}
