/** Times as agents write them: ISO 8601, or how long from now. */
const UNITS_MS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const ISO = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$/i;
/** What a date of JavaScript holds. */
const MOMENT_MS_MAX = 8.64e15;

/** @returns null where it is neither; a time without a zone is UTC */
export function momentOf(text: string, now_ms: number): number | null {
  const trimmed = text.trim();
  const lasting = /^(\d{1,6})\s*(m|h|d|w)$/i.exec(trimmed);
  if (lasting !== null) {
    const at_ms = now_ms + Number(lasting[1]) * UNITS_MS[lasting[2]!.toLowerCase()]!;
    return at_ms <= MOMENT_MS_MAX ? at_ms : null;
  }
  if (!ISO.test(trimmed)) return null;
  const zoned = /T.*(Z|[+-]\d{2}:?\d{2})$/i.test(trimmed) || !/T/i.test(trimmed);
  const at_ms = Date.parse(zoned ? trimmed : `${trimmed}Z`);
  return Number.isNaN(at_ms) ? null : at_ms;
}
