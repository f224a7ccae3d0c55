/** `aether_report`: the state of the agent's work, for the operator. */
import { z } from 'zod';
import { AetherError } from '../../host/errors.ts';
import { limits } from '../../host/limits.ts';
import { defineTool } from '../tool.ts';

export const report = defineTool({
  name: 'aether_report',
  title: 'Report',
  description: [
    'Tell the operator how your work stands; it is shown beside your name and kept.',
    'Report "done" when the goal is reached, "blocked" when you cannot go on without something, "failed" when it cannot be done, "progress" at milestones of long work, not at every step. `summary`: the outcome first, in one or two sentences; `details`: what was done, where the results are (paths), what is left, and what you did not check.',
    'State only what you verified. A report expects no answer: to get one, use aether_ask_operator.',
  ].join(' '),
  order: 100,
  kind: 'write',
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  input: z.strictObject({
    summary: z.string().min(1).max(2_000),
    status: z.enum(['progress', 'done', 'blocked', 'failed']),
    details: z.string().optional().describe('At most 60 KB.'),
  }),
  output: z.object({ seq: z.int().describe('number of the report in the event log') }),
  examples: [{ summary: 'The login works again; all tests pass.', status: 'done' }],
  effect({ events }, call, args) {
    const bytes = Buffer.byteLength(args.summary) + Buffer.byteLength(args.details ?? '');
    if (args.summary.trim() === '' || bytes > limits.report_text_bytes_max) {
      throw new AetherError({
        code: 'report.text',
        who: 'agent',
        message: `A report needs a summary and holds ${limits.report_text_bytes_max} bytes; this one has ${bytes}.`,
        next: 'Say what was achieved in a few sentences; put long material in a file.',
      });
    }
    return { seq: events.append(call, 'report.made', 'claimed', args).seq };
  },
});
