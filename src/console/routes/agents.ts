/** Agents: what they are, what happened to them, and every verb a hand may use on them. */
import type { Hono } from 'hono';
import { z } from 'zod';
import { limits } from '../../host/limits.ts';
import type { ConsoleContext, ConsoleEnv } from '../context.ts';
import { invalid } from '../failures.ts';
import type { Changes, EventsPage } from '../wire.ts';
import * as body from './body.ts';

const page = z.object({
  after: z.coerce.number().int().min(0).optional(),
  before: z.coerce.number().int().min(0).optional(),
  limit: z.coerce.number().int().min(1).max(limits.events_page_max).default(200),
});

export function agentRoutes(app: Hono<ConsoleEnv>, { host }: ConsoleContext): void {
  app.get('/api/agents', (c) => c.json({ agents: host.agents() }));

  app.get('/api/agents/:name', (c) => c.json(host.agent(c.req.param('name'))));

  /** `after`: oldest first from there; otherwise the newest, or the newest before `before`. */
  app.get('/api/agents/:name/events', (c) => {
    const agent = c.req.param('name');
    host.agent(agent);
    const { after, before, limit } = body.check(c.req.query(), page);
    const events = host.events({
      agent,
      limit,
      last: after === undefined,
      ...(after === undefined ? {} : { after }),
      ...(before === undefined ? {} : { before }),
    });
    return c.json({ events, more: events.length === limit } satisfies EventsPage);
  });

  /** `unread`: only those that nobody is known to have read. */
  app.get('/api/agents/:name/injections', (c) => {
    const all = host.injections(c.req.param('name'));
    const unread = all.filter(({ state }) => state === 'queued' || state === 'delivered');
    return c.json({ injections: c.req.query('unread') === undefined ? all : unread });
  });

  /** Takes a message back that nobody has read; the id says which, so nothing else it could have been meant for. */
  app.post('/api/agents/:name/injections/:id/cancel', async (c) => {
    const { name, id } = c.req.param();
    if (host.injection(id).agent !== name)
      throw invalid('That message was for another agent.', 'Reload the page.');
    return c.json(await host.cancelInjection(id, 'operator'));
  });

  app.get('/api/agents/:name/changes', async (c) =>
    c.json({ changes: await host.changes(c.req.param('name')) } satisfies Changes),
  );

  for (const verb of ['start', 'stop', 'kill', 'restart', 'pause', 'hold', 'resume'] as const) {
    // Whoever kills a run means that run, however it is doing by now.
    const compare = { state: verb !== 'kill', stands: ['pause', 'hold', 'resume'].includes(verb) };
    app.post(`/api/agents/:name/${verb}`, async (c) => {
      const name = c.req.param('name');
      const { basis } = await body.readBody(c, body.action);
      body.stillTrue(host, name, basis, compare);
      return c.json(await host[verb](name, 'operator'));
    });
  }

  app.post('/api/agents/:name/interrupt', async (c) => {
    const name = c.req.param('name');
    const { basis } = await body.readBody(c, body.action);
    body.stillTrue(host, name, basis);
    await host.interrupt(name, 'operator');
    return c.json(host.agent(name));
  });

  app.post('/api/agents/:name/inject', async (c) => {
    const name = c.req.param('name');
    const { basis, ...input } = await body.readBody(c, body.inject);
    body.stillTrue(host, name, basis);
    return c.json(host.inject(name, input, 'operator'));
  });

  app.post('/api/agents/:name/takeover', async (c) => {
    const name = c.req.param('name');
    const { basis, ...input } = await body.readBody(c, body.takeover);
    body.stillTrue(host, name, basis, { lease: true });
    return c.json(await host.takeover(name, { ...input, holder: c.get('session').label }));
  });

  app.post('/api/agents/:name/handback', async (c) => {
    const name = c.req.param('name');
    const { basis, ...input } = await body.readBody(c, body.handback);
    body.stillTrue(host, name, basis, { lease: true });
    await host.handback(name, { generation: basis.lease, ...input });
    return c.json(host.agent(name));
  });
}
