/**
 * The verbs of the control socket: an explicit list from name to Host method, each with the shape of its
 * arguments. What is not listed here cannot be asked for, and whoever asks acts as the operator.
 */
import { z } from 'zod';
import type { HostApi, Principal } from '../api.ts';
import { AetherError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { ControlCalls } from './wire.ts';

/** `cancel` is about the connection, not about the host. */
type HostVerb = Exclude<keyof ControlCalls, 'cancel'>;

const OPERATOR: Principal = 'operator';

const name = z.string().min(1).max(200);
const size = { cols: z.int(), rows: z.int() };
const fresh = z.strictObject({ fresh: z.boolean().optional() }).optional();

/** Parses the arguments, calls the host and gives back what goes on the wire. */
type Handler = (host: HostApi, args: unknown[]) => unknown;

function verb<Shape extends z.ZodTuple>(
  shape: Shape,
  call: (host: HostApi, ...args: z.output<Shape>) => unknown,
): Handler {
  return (host, args) => call(host, ...parseArguments(shape, args));
}

/** @throws AetherError `control.arguments` saying which argument is wrong. */
export function parseArguments<Shape extends z.ZodType>(shape: Shape, args: unknown): z.output<Shape> {
  const parsed = shape.safeParse(args);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new AetherError({
    code: 'control.arguments',
    who: 'user',
    message: `The arguments of this request are not what the verb takes: ${issue?.path.join('.') || 'arguments'}: ${issue?.message ?? 'wrong'}.`,
    next: 'Use the `aether` command of the same version as the host.',
  });
}

const handlers: Record<HostVerb, Handler> = {
  info: verb(z.tuple([]), (host) => host.info()),
  consoleLink: verb(z.tuple([]), (host) => host.consoleLink()),
  agents: verb(z.tuple([]), (host) => host.agents()),
  agent: verb(z.tuple([name]), (host, agent) => host.agent(agent)),
  plan: verb(z.tuple([]), (host) => host.plan()),
  apply: verb(z.tuple([]), (host) => host.apply(OPERATOR)),
  start: verb(
    z.tuple([
      name,
      z
        .strictObject({
          fresh: z.boolean().optional(),
          goal: z.string().max(limits.inject_text_bytes_max).optional(),
        })
        .optional(),
    ]),
    (host, agent, options) => host.start(agent, OPERATOR, options),
  ),
  stop: verb(z.tuple([name]), (host, agent) => host.stop(agent, OPERATOR)),
  kill: verb(z.tuple([name]), (host, agent) => host.kill(agent, OPERATOR)),
  restart: verb(z.tuple([name, fresh]), (host, agent, options) => host.restart(agent, OPERATOR, options)),
  pause: verb(z.tuple([name]), (host, agent) => host.pause(agent, OPERATOR)),
  hold: verb(z.tuple([name]), (host, agent) => host.hold(agent, OPERATOR)),
  resume: verb(z.tuple([name]), (host, agent) => host.resume(agent, OPERATOR)),
  down: verb(z.tuple([]), (host) => host.down(OPERATOR)),
  inject: verb(
    z.tuple([
      name,
      z.strictObject({
        text: z.string(),
        priority: z.enum(['now', 'next', 'later']).optional(),
        id: z.string().max(200).optional(),
      }),
    ]),
    (host, agent, input) => host.inject(agent, input, OPERATOR),
  ),
  injection: verb(z.tuple([z.string()]), (host, id) => host.injection(id)),
  cancelInjection: verb(z.tuple([z.string()]), (host, id) => host.cancelInjection(id, OPERATOR)),
  injections: verb(z.tuple([name]), (host, agent) => host.injections(agent)),
  takeover: verb(
    z.tuple([
      name,
      z.strictObject({
        holder: z.string().min(1).max(200),
        when: z.enum(['boundary', 'now']),
        ...size,
      }),
    ]),
    (host, agent, input) => host.takeover(agent, input),
  ),
  handback: verb(
    z.tuple([
      name,
      z.strictObject({
        generation: z.int(),
        note: z.string().optional(),
        held: z.boolean().optional(),
      }),
    ]),
    (host, agent, input) => host.handback(agent, input),
  ),
  changes: verb(z.tuple([name]), (host, agent) => host.changes(agent)),
  leaseBeat: verb(z.tuple([name, z.int()]), (host, agent, generation) => host.leaseBeat(agent, generation)),
  interrupt: verb(z.tuple([name]), (host, agent) => host.interrupt(agent, OPERATOR)),
  terminalWrite: verb(z.tuple([name, z.int(), z.string()]), (host, agent, generation, data) =>
    host.terminalWrite(agent, generation, data),
  ),
  terminalResize: verb(
    z.tuple([name, z.int(), size.cols, size.rows]),
    (host, agent, generation, cols, rows) => host.terminalResize(agent, generation, cols, rows),
  ),
  approvals: verb(
    z.tuple([
      z.strictObject({ agent: name.optional(), state: z.enum(['open', 'all']).optional() }).optional(),
    ]),
    (host, filter) => host.approvals(filter),
  ),
  operatorMail: verb(
    z.tuple([
      z
        .strictObject({
          all: z.boolean().optional(),
          limit: z.int().min(1).max(limits.mail_inbox_max).optional(),
        })
        .optional(),
    ]),
    (host, filter) => host.operatorMail(filter),
  ),
  ackOperatorMail: verb(z.tuple([z.array(z.string().max(200)).max(limits.mail_ack_ids_max)]), (host, ids) =>
    host.ackOperatorMail(ids, OPERATOR),
  ),
  lastTerminal: verb(z.tuple([name]), (host, agent) => host.lastTerminal(agent).toString('base64')),
  answerApproval: verb(
    z.tuple([z.string(), z.strictObject({ allow: z.boolean().optional(), text: z.string().optional() })]),
    (host, id, answer) => host.answerApproval(id, answer, OPERATOR),
  ),
};

/** Undefined for a name that is no verb; own properties only, so `constructor` is none. */
export function handlerOf(verbName: string): Handler | undefined {
  return Object.hasOwn(handlers, verbName) ? handlers[verbName as HostVerb] : undefined;
}
