/** How the tables write JSON: half a character, which JSON can escape and UTF-8 cannot hold, is replaced. */

/** As JSON.stringify writes it, not preceded by a backslash of its own. */
const HALF = /(?<!\\)((?:\\\\)*)\\ud[89a-f][0-9a-f]{2}/g;

export function toJson(value: unknown): string {
  const json = JSON.stringify(value);
  return json.includes('\\ud') ? json.replace(HALF, '$1\\ufffd') : json;
}
