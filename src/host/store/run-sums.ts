/** SQL of `run_sums`: what is left of an agent's runs whose rows were removed, so that its totals stay true. */
import type { Readable } from './reader.ts';
import { defineTable, type Removal } from './table.ts';

export const runSums = defineTable({ name: 'run_sums', leaves: 'never' });

interface OldRun {
  id: string;
  agent: string;
  input_tokens: number;
  output_tokens: number;
  cost_usd: number | null;
}

/** Removes ended runs that are not the newest of their agent, and their facts; adds them to the sums. */
export function sumUpOldRuns({ db }: Readable): Removal {
  const old = db.prepare<[number, number], OldRun>(
    `SELECT id, agent, input_tokens, output_tokens, cost_usd FROM runs WHERE exited_ms < ?
       AND ordinal < (SELECT max(ordinal) FROM runs AS other WHERE other.agent = runs.agent) LIMIT ?`,
  );
  const add = db.prepare<[string, number, number, number | null]>(
    `INSERT INTO run_sums (agent, runs, input_tokens, output_tokens, cost_usd) VALUES (?, 1, ?, ?, ?)
     ON CONFLICT (agent) DO UPDATE SET runs = runs + 1, input_tokens = input_tokens + excluded.input_tokens,
       output_tokens = output_tokens + excluded.output_tokens,
       cost_usd = CASE WHEN excluded.cost_usd IS NULL THEN cost_usd ELSE coalesce(cost_usd, 0) + excluded.cost_usd END`,
  );
  const removeFacts = db.prepare<[string]>('DELETE FROM facts WHERE run = ?');
  const remove = db.prepare<[string]>('DELETE FROM runs WHERE id = ?');
  return (before_ms, rows_max) => {
    const runs = old.all(before_ms, rows_max);
    for (const run of runs) {
      add.run(run.agent, run.input_tokens, run.output_tokens, run.cost_usd);
      removeFacts.run(run.id);
      remove.run(run.id);
    }
    return runs.length;
  };
}
