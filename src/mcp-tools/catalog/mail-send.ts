/** `aether_mail_send`: a message to another agent, an outside client or the operator. */
import { z } from 'zod';
import { messageOut, messageShape } from '../shapes.ts';
import { defineTool } from '../tool.ts';

export const mailSend = defineTool({
  name: 'aether_mail_send',
  title: 'Send mail',
  description: [
    'Send a message to another agent, to the operator, or to an outside client. It is delivered at once, kept until it is acknowledged, and an idle agent is woken by it.',
    'aether_agents_list tells the names. The receiver knows nothing of your conversation: say what you want, what you know, and what the answer should look like. Set `replyTo` when you answer.',
    'It returns when the mail is delivered, not when it is read: go on with your work, or end your turn and wait to be woken. For a question that only a person can decide use aether_ask_operator.',
  ].join(' '),
  order: 60,
  kind: 'write',
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  input: z.strictObject({
    to: z.string().min(1).max(128).describe('An agent\'s name, "operator", or "client:NAME".'),
    subject: z.string().min(1).max(200),
    body: z.string().min(1).describe('At most 256 KB; send the path of a file for more.'),
    replyTo: z.string().min(1).max(64).optional().describe('Id of the message this answers.'),
  }),
  output: z.object({ message: messageShape }),
  examples: [{ to: 'ada', subject: 'Tests are red', body: 'suite.ts:40 fails since 9de8070; please look.' }],
  effect({ mail }, call, args) {
    return { message: messageOut(mail.send(call, args)) };
  },
});
