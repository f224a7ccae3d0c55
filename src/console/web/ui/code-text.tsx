/** A sentence of the host with `commands` in it. */
export function CodeText({ text }: { text: string }) {
  return (
    <>{text.split(/`([^`]+)`/).map((part, index) => (index % 2 ? <code key={index}>{part}</code> : part))}</>
  );
}
