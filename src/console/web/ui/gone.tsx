/** The whole page when there is nothing to show: one sentence, and a way back. */
import { CodeText } from './code-text.tsx';

export function Gone({ title, text }: { title: string; text: string }) {
  return (
    <main class="gone">
      <h1>{title}</h1>
      <p>
        <CodeText text={text} />
      </p>
    </main>
  );
}
