/**
 * `aether_ask_operator`: a question to a person. Clients give up on a call after a minute, so it waits 45 s at
 * most and then returns an id under which the wait goes on.
 */
import { z } from 'zod';
import type { ApprovalView } from '../../host/api.ts';
import { defineTool } from '../tool.ts';

const WAIT_SECONDS_MAX = 45;

export const askOperator = defineTool({
  name: 'aether_ask_operator',
  title: 'Ask the operator',
  description: [
    'Ask the person in charge something only a person can decide: a choice with consequences, missing access, an unclear goal. Not for what you can find out yourself.',
    'Ask one thing, with what the operator needs in order to answer, and offer `choices` where there are a few.',
    'It waits up to 45 seconds. Without an answer by then `status` is "pending": the question stays in the operator\'s inbox. Do other work, then call again with only the `id` to go on waiting or to get the answer. Never ask the same question again.',
    '"withdrawn" means that nobody will answer: decide yourself, or report that you are blocked.',
  ].join(' '),
  order: 90,
  kind: 'wait',
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  input: z
    .strictObject({
      question: z.string().min(1).optional().describe('Required, unless `id` is given. At most 16 KB.'),
      choices: z.array(z.string().min(1).max(200)).min(2).max(20).optional(),
      id: z.string().min(1).max(64).optional().describe('Of a pending question of yours.'),
      waitSeconds: z.int().min(0).max(WAIT_SECONDS_MAX).optional().describe('Default 45; 0 only looks.'),
    })
    .refine(({ question, id }) => (question === undefined) !== (id === undefined), {
      error: 'give either a new `question`, or only the `id` of a pending one to go on waiting for it',
    }),
  output: z.object({
    id: z.string(),
    status: z.enum(['answered', 'pending', 'withdrawn']),
    answer: z.string().optional().describe("the operator's words"),
    answeredBy: z.string().optional(),
    next: z.string().optional().describe('what to do now'),
  }),
  examples: [
    { question: 'Deploy to production now?', choices: ['yes', 'not yet'] },
    { id: '0190…', waitSeconds: 0 },
  ],
  effect({ questions }, call, { question, choices, id, waitSeconds }) {
    const wait_ms = (waitSeconds ?? WAIT_SECONDS_MAX) * 1_000;
    const { until, settle } =
      id === undefined
        ? questions.ask(call, { question: question ?? '', ...(choices ? { choices } : {}), wait_ms })
        : questions.resume(call, { id, wait_ms });
    return { until, settle: (how) => shown(settle(how)) };
  },
});

function shown(approval: ApprovalView) {
  switch (approval.state) {
    case 'answered':
      return {
        id: approval.id,
        status: 'answered' as const,
        answer: approval.answer?.text ?? '',
        ...(approval.answeredBy === null ? {} : { answeredBy: approval.answeredBy }),
      };
    case 'withdrawn':
      return {
        id: approval.id,
        status: 'withdrawn' as const,
        next: 'Nobody will answer. Decide yourself where that is safe; otherwise report that you are blocked.',
      };
    case 'open':
      return {
        id: approval.id,
        status: 'pending' as const,
        next: `Do other work if there is any, then call aether_ask_operator with id "${approval.id}" and nothing else.`,
      };
  }
}
