/** Answers requests to the console. In a file of its own, because a host loads it when the first one comes. */
import type { RequestListener } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import type { ConsoleContext } from './context.ts';
import { consoleApp } from './server.ts';

export function listenerOf(context: ConsoleContext): RequestListener {
  const listener = getRequestListener(consoleApp(context).fetch);
  return (request, response) => void listener(request, response);
}
