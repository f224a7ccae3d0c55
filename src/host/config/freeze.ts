/** Deep freezing, so that no code can change the running fleet by writing into its description. */

/** Freezes a JSON-like value and everything below it, in place. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const child of Object.values(value)) deepFreeze(child);
  }
  return value;
}
