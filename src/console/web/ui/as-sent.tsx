/** What an agent sent, byte for byte: each character beyond ASCII as an escape of JSON; copying gives the text itself. */
import { useState } from 'preact/hooks';
import { rawText } from '../../../host/shown/asked.ts';
import { Button } from './button.tsx';
import { Icon } from './icon.tsx';

/** @param text what is copied where the value is more than a text */
export function AsSent({ value, text }: { value: unknown; text?: string | undefined }) {
  const [open, setOpen] = useState(false);
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(
      text ?? (typeof value === 'string' ? value : JSON.stringify(value, null, 2)),
    );
    setCopied(true);
  };
  return (
    <details class="as-sent" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <Icon name="chevron" />
        As it was sent
      </summary>
      {open && (
        <>
          <pre class="code">{rawText(value)}</pre>
          <Button label={copied ? 'Copied' : 'Copy'} tone="quiet" offline onPress={() => void copy()} />
        </>
      )}
    </details>
  );
}
