/** How many tokens a text takes, and which memories fit a budget of them. */

/** Scripts whose characters are about a token each. */
const DENSE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Extended_Pictographic}]/gu;
const BYTES_PER_TOKEN = 4;

/** An estimate: about four bytes a token, and a token for each character of a dense script. */
export function tokensOf(text: string): number {
  const bytes = Buffer.byteLength(text);
  if (bytes === text.length) return Math.ceil(bytes / BYTES_PER_TOKEN);
  const dense = text.match(DENSE) ?? [];
  const theirs = dense.reduce((sum, character) => sum + Buffer.byteLength(character), 0);
  return dense.length + Math.ceil((bytes - theirs) / BYTES_PER_TOKEN);
}

export interface Fitted<T> {
  fit: T[];
  /** How many items were gone through: the next page begins there. */
  through: number;
  /** Those that would take more than the whole budget. */
  longer: { item: T; tokens: number }[];
}

/** In their order, each whole or not at all. One that no page of this budget can hold is passed over and named. */
export function fitting<T>(
  items: readonly T[],
  tokensOfItem: (item: T) => number,
  budget_tokens: number,
): Fitted<T> {
  const fitted: Fitted<T> = { fit: [], through: 0, longer: [] };
  let spare = budget_tokens;
  for (const item of items) {
    const tokens = tokensOfItem(item);
    if (tokens > budget_tokens) fitted.longer.push({ item, tokens });
    else if (tokens > spare) return fitted;
    else {
      fitted.fit.push(item);
      spare -= tokens;
    }
    fitted.through += 1;
  }
  return fitted;
}
