/** Text in a scrolling box that the keyboard can reach, so that its end can be read without a mouse. */
import { readableText } from '../../../host/shown/plain.ts';
import { Shown } from './shown.tsx';

interface Props {
  text: string;
  label: string;
  class?: string;
  language?: string | undefined;
  /** What a program printed: its colours and cursor movements are left out. */
  output?: boolean;
}

export function ScrollText({ text, label, class: className = '', language, output = false }: Props) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
    // biome-ignore lint/a11y/useSemanticElements: a <section> would be a landmark, which this is not
    <div class={`code ${className}`} role="group" aria-label={label} data-language={language} tabIndex={0}>
      <Shown text={output ? readableText(text) : text} as={output ? 'file' : 'code'} />
    </div>
  );
}
