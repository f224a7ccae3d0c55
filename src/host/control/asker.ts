/** Who an admitted peer of the control socket is, and the name under which agents and other operators see it. */
import { hostname, userInfo } from 'node:os';
import { OPERATOR } from '../principals.ts';
import type { Asker } from '../verbs/verb.ts';

/** The door admits only processes of the host's own user, so one label is that of all of them. */
export function localOperator(): Asker {
  const user = process.env.USER || process.env.LOGNAME || userName();
  return { principal: OPERATOR, label: `${user}@${hostname()}` };
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.()}`; // a user that the system has no name for
  }
}
