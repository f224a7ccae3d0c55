/** A verb of the host, asked by a session: over a page's socket or by HTTP. */
import { unknownVerb, verbNamed } from '../host/verbs/dispatch.ts';
import type { AnyCall } from '../host/verbs/verb.ts';
import type { Session } from './auth.ts';
import { askerOf, type ConsoleContext } from './context.ts';
import { invalid } from './failures.ts';

/** @returns its output; null where it has none */
export async function callVerb(
  { verbs }: Pick<ConsoleContext, 'verbs'>,
  session: Session,
  name: string,
  { input, basis }: { input?: unknown; basis?: unknown },
): Promise<unknown> {
  const verb = callNamed(name);
  if (verb.basis !== undefined && basis === undefined) {
    throw invalid(
      `The request is not understood: basis: ${verb.name} needs what was seen of the agent.`,
      'Send the facts that the action rests on.',
    );
  }
  return (await verbs.run(askerOf(session), verb, input, basis)) ?? null;
}

export function callNamed(name: string): AnyCall {
  const verb = verbNamed(name);
  if (verb === undefined) throw unknownVerb(name);
  if (verb.kind === 'call') return verb;
  throw invalid(`${name} is a stream.`, 'Use the WebSocket at /ws or /terminal/NAME.');
}
