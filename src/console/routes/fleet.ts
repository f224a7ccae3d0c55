/** The host itself, configuration that waits to be applied, and the inbox. */
import type { Hono } from 'hono';
import { z } from 'zod';
import type { ConsoleContext, ConsoleEnv } from '../context.ts';
import * as body from './body.ts';

const which = z.object({ agent: z.string().optional(), state: z.enum(['open', 'all']).default('open') });

export function fleetRoutes(app: Hono<ConsoleEnv>, { host }: ConsoleContext): void {
  app.get('/api/info', (c) => c.json({ info: host.info(), you: c.get('session').label }));

  app.get('/api/plan', async (c) => c.json(await host.plan()));

  app.post('/api/apply', async (c) => {
    await body.readBody(c, z.strictObject({}));
    return c.json(await host.apply('operator'));
  });

  app.get('/api/approvals', (c) => c.json({ approvals: host.approvals(body.check(c.req.query(), which)) }));

  app.get('/api/mail', (c) => c.json(host.operatorMail()));

  app.post('/api/mail/ack', async (c) => {
    const { ids } = await body.readBody(c, body.acknowledge);
    return c.json(host.ackOperatorMail(ids, 'operator'));
  });

  app.post('/api/approvals/:id/answer', async (c) => {
    const answer = await body.readBody(c, body.answer);
    return c.json(host.answerApproval(c.req.param('id'), answer, 'operator'));
  });
}
