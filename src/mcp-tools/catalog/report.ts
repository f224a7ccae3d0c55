/** `aether_report`: how it went, for the operator to see. */
import { z } from 'zod';
import { defineTool } from '../tool.ts';

export const report = defineTool({
  name: 'aether_report',
  title: 'Report',
  description: [
    'Tell the operator how your work stands; it is shown beside your name and kept.',
    'Report "done" when the goal is reached, "blocked" when you cannot go on without something, "failed" when it cannot be done, "progress" at milestones of long work, not at every step. `summary`: the outcome first, in one or two sentences; `details`: what was done, where the results are (paths), what is left, and what you did not check.',
    'State only what you verified. A report expects no answer: to get one, use aether_ask_operator.',
  ].join(' '),
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  input: z.strictObject({
    summary: z.string().min(1).max(2_000),
    status: z.enum(['progress', 'done', 'blocked', 'failed']),
    details: z.string().optional().describe('At most 60 KB.'),
  }),
  output: z.object({ seq: z.int().describe('number of the report in the event log') }),
  handler(host, caller, args) {
    return host.report(caller, args);
  },
});
