/** What is made of samples: medians, tails, and the ratio of two things that were measured in turns. */

/** The middle of the sorted samples; of an even number the mean of the two. NaN of none. */
export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Nearest rank: the smallest sample that `percent` of them do not exceed. NaN of none. */
export function percentile(samples: readonly number[], percent: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
}

/**
 * Median of the ratios of neighbours: what was measured in the same moment shared the machine's mood, so this
 * is steadier on a busy machine than the ratio of two medians.
 */
export function pairedRatio(ours: readonly number[], reference: readonly number[]): number {
  if (ours.length !== reference.length) throw new Error('pairs are measured in turns, one for one');
  return median(ours.map((value, index) => value / reference[index]!));
}
