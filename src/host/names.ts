/** What an agent or an outside client may be called: one rule, wherever such a name is given. */

/** It ends up in paths and in addresses such as `client:NAME`. */
export const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;

export const NAME_RULE = '1 to 63 of a-z, 0-9 and -, beginning with a letter or digit';

/** The nearest name that is one, for a refusal that helps; null where nothing is left of it. */
export function asName(written: string): string | null {
  const mended = written
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .slice(0, 63)
    .replace(/^-+|-+$/g, '');
  return NAME.test(mended) ? mended : null;
}
