/** `aether_mail_ack`: marks messages as dealt with. */
import { z } from 'zod';
import { defineTool } from '../tool.ts';

export const mailAck = defineTool({
  name: 'aether_mail_ack',
  title: 'Acknowledge mail',
  description:
    'Mark messages of your inbox as dealt with, so that they are not shown to you again. Do it once you have acted on a message or decided that nothing is to be done, not merely read it: what is unacknowledged survives a restart and comes back to you. Acknowledging twice does no harm. If one id is not in your mailbox, none is acknowledged.',
  order: 70,
  kind: 'write',
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  input: z.strictObject({
    ids: z.array(z.string().min(1).max(64)).min(1).max(200).describe('Ids as the inbox returned them.'),
  }),
  output: z.object({
    acked: z.array(z.string()).describe('newly acknowledged'),
    already: z.array(z.string()).describe('acknowledged before'),
  }),
  examples: [{ ids: ['0190…'] }],
  effect({ mail }, call, { ids }) {
    return mail.ack(call, ids);
  },
});
