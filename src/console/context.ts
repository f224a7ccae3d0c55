/** What every route and socket of the console is given. */
import type { Socket } from 'node:net';
import type { HttpBindings } from '@hono/node-server';
import type { HostApi } from '../host/api.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import type { Auth } from './auth.ts';
import type { SessionRecord } from './session-store.ts';

export interface ConsoleContext {
  host: HostApi;
  auth: Auth;
  clock: Clock;
  log: Log;
  /** Absolute path of the built browser code. */
  webDir: string;
  /** The port that is listened on; known once it is. */
  port(): number;
  /** This connection belongs to a browser that is signed in. @returns false when there are too many of them */
  known(socket: Socket): boolean;
}

export interface ConsoleEnv {
  Bindings: HttpBindings;
  Variables: { session: SessionRecord };
}
