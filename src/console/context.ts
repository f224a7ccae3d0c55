/** What every route and socket of the console is given. */
import type { Socket } from 'node:net';
import type { HttpBindings } from '@hono/node-server';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import { OPERATOR } from '../host/principals.ts';
import type { Dispatcher } from '../host/verbs/dispatch.ts';
import type { Asker } from '../host/verbs/verb.ts';
import type { Address } from './address.ts';
import type { Auth, Session } from './auth.ts';

export interface ConsoleContext {
  verbs: Dispatcher;
  auth: Auth;
  clock: Clock;
  log: Log;
  /** Absolute path of the built browser code. */
  webDir: string;
  address: Address;
  /** This connection belongs to a browser that is signed in. @returns false when there are too many of them */
  known(socket: Socket): boolean;
}

export interface ConsoleEnv {
  Bindings: HttpBindings;
  Variables: { session: Session };
}

/** What the console asks for itself, on behalf of every browser. */
export const CONSOLE: Asker = { principal: OPERATOR, label: 'console' };

/** Sessions are known by their label: it is the holder of a lease that a browser takes. */
export function askerOf(session: Session): Asker {
  return { principal: OPERATOR, label: session.label };
}
