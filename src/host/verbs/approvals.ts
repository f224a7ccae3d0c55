/** The inbox of the operator: permissions and questions that wait for an answer. */
import { z } from 'zod';
import { limits } from '../limits.ts';
import { agentOrAll, identifier } from './input.ts';
import { defineVerb, OPERATORS } from './verb.ts';

export const approvals = defineVerb({
  kind: 'call',
  name: 'approvals',
  summary: 'Permissions and questions of agents, open ones unless `all` are asked for.',
  input: z.strictObject({ agent: agentOrAll, state: z.enum(['open', 'all']).optional() }),
  who: OPERATORS,
  reads: true,
  run: (rooms, filter) => rooms.approvals.list(filter),
});

export const answerApproval = defineVerb({
  kind: 'call',
  name: 'answerApproval',
  summary: 'Answers a permission with `allow`, a question with `text`.',
  input: z
    .strictObject({
      id: identifier,
      allow: z.boolean().optional(),
      text: z.string().max(limits.question_text_bytes_max).optional(),
    })
    .refine((value) => value.allow !== undefined || value.text !== undefined, 'needs `allow` or `text`'),
  who: OPERATORS,
  run: (rooms, { id, ...answer }, { principal }) => rooms.approvals.answer(id, answer, principal),
});
