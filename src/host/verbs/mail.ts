/** Mail that agents and outside clients sent to the operator. */
import { z } from 'zod';
import { limits } from '../limits.ts';
import { identifier } from './input.ts';
import { defineVerb, OPERATORS } from './verb.ts';

export const operatorMail = defineVerb({
  kind: 'call',
  name: 'operatorMail',
  summary: 'Mail to the operator: unread, oldest first; with `all` the newest first.',
  input: z.strictObject({
    all: z.boolean().optional(),
    limit: z.int().min(1).max(limits.mail_inbox_max).optional(),
  }),
  who: OPERATORS,
  reads: true,
  run: (rooms, filter) => rooms.mail.inbox(filter),
});

export const ackOperatorMail = defineVerb({
  kind: 'call',
  name: 'ackOperatorMail',
  summary: 'Acknowledges mail to the operator: all of `ids` or none.',
  input: z.strictObject({ ids: z.array(identifier).min(1).max(limits.mail_ack_ids_max) }),
  who: OPERATORS,
  run: (rooms, { ids }, { principal }) => rooms.mail.ack(ids, principal),
});
