/** The content of a message or a tool's result: a text, or blocks of several kinds. */
export type Payload = Record<string, unknown>;

export const record = (value: unknown): Payload =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Payload) : {};

export function blocksOf(content: unknown): Payload[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  return Array.isArray(content) ? content.map(record) : [];
}

/** What a person would read of it. */
export function textOf(content: unknown): string {
  return blocksOf(content)
    .flatMap(({ type, text }) => (type === 'text' && typeof text === 'string' ? [text] : []))
    .join('\n');
}
