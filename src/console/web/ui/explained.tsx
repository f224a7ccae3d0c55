/** A word with an explanation on hover and focus: the evidence, or what it means. */
import type { ComponentChildren } from 'preact';
import type { Evidence } from '../../console-protocol.ts';

interface Props {
  class?: string;
  evidence?: Evidence;
  tip?: string | undefined;
  children: ComponentChildren;
}

export function Explained({ class: className, evidence, tip, children }: Props) {
  return (
    <span
      class={className}
      data-evidence={evidence && JSON.stringify(evidence)}
      data-tip={tip}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the explanation must be reachable by keyboard
      tabIndex={0}
    >
      {children}
    </span>
  );
}
