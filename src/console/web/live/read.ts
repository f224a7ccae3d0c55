/** Text that has gone through a database: another version may have meant something else by the same field. */
export const text = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value);
