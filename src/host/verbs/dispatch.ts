/**
 * The one way to a verb, whichever door it was asked at: known, for this principal, understood, not stale, legal, then
 * done. Doors bring the asker and the bytes; definitions give the rest.
 */
import type { z } from 'zod';
import type { OpenStream, StreamSink } from '../api.ts';
import { AetherError } from '../errors.ts';
import { kindOf } from '../principals.ts';
import { cutText } from '../text.ts';
import { verbs } from './all.ts';
import { agentBasis, requireBasis } from './basis.ts';
import type { CallName, Calls, Results, StreamItems, StreamName, Streams } from './client.ts';
import { requireLegal } from './legal.ts';
import type { AgentVerb } from './names.ts';
import type { Rooms } from './rooms.ts';
import type { AnyCall, AnyStream, AnyVerb, Asker } from './verb.ts';

/** Undefined for a name that is no verb; own properties only, so `constructor` is none. */
export function verbNamed(name: string): AnyVerb | undefined {
  return Object.hasOwn(verbs, name) ? (verbs as unknown as Record<string, AnyVerb>)[name] : undefined;
}

export class Dispatcher {
  readonly #rooms: Rooms;

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
  }

  /** A verb that this process names itself; synchronous where the verb is. */
  call<N extends CallName>(asker: Asker, name: N, input: Calls[N]['input']): Results[N] {
    return this.run(asker, verbs[name] as unknown as AnyCall, input) as Results[N];
  }

  stream<N extends StreamName>(
    asker: Asker,
    name: N,
    input: Streams[N]['input'],
    sink: StreamSink<StreamItems[N]>,
  ): OpenStream {
    return this.open(asker, verbs[name] as unknown as AnyStream, input, sink as StreamSink<unknown>);
  }

  /**
   * @param basis what the operator saw; undefined where nothing was shown
   * @throws AetherError `verb.forbidden`, `verb.invalid`, `verb.stale`, `verb.illegal`, or what the verb throws
   */
  run(asker: Asker, verb: AnyCall, input: unknown, basis?: unknown): unknown {
    const parsed = this.#admit(asker, verb, input);
    if (basis !== undefined && verb.basis !== undefined) {
      const seen = parse(agentBasis, basis, 'basis');
      requireBasis(this.#rooms.agents.get(agentOf(parsed)), seen, verb.basis);
    }
    this.#requireLegal(verb, parsed);
    return verb.run(this.#rooms, parsed as never, asker);
  }

  open(asker: Asker, verb: AnyStream, input: unknown, sink: StreamSink<unknown>): OpenStream {
    const parsed = this.#admit(asker, verb, input);
    this.#requireLegal(verb, parsed);
    return verb.run(this.#rooms, parsed as never, sink as never, asker);
  }

  #admit({ principal }: Asker, verb: AnyVerb, input: unknown): unknown {
    if (!verb.who.includes(kindOf(principal))) {
      throw new AetherError({
        code: 'verb.forbidden',
        who: 'agent',
        message: `${principal} may not call ${verb.name}: it is for ${verb.who.join(' and ')}.`,
        next: 'Agents use the aether_* tools; operators run `aether` outside any agent.',
      });
    }
    return parse(verb.input, input ?? {}, null);
  }

  #requireLegal(verb: AnyVerb, input: unknown): void {
    if (verb.legal === undefined || verb.advice) return;
    requireLegal(this.#rooms.agents.get(agentOf(input)), verb.name as AgentVerb);
  }
}

/** Verbs with a basis or a row in the table of legal verbs are about one agent. */
function agentOf(input: unknown): string {
  return (input as { agent: string }).agent;
}

/** @throws AetherError `verb.invalid`, naming the fields */
function parse<Shape extends z.ZodType>(shape: Shape, value: unknown, at: string | null): z.output<Shape> {
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.slice(0, 3).map(({ path, message }) => {
    const where = [...(at === null ? [] : [at]), ...path].join('.');
    return where === '' ? message : `${where}: ${message}`;
  });
  throw new AetherError({
    code: 'verb.invalid',
    who: 'user',
    message: `The request is not understood: ${problems.join('; ')}.`,
    next: 'Correct that and send it again; a client must have the version of the host.',
  });
}

/** Refusal of a name that is no verb. */
export function unknownVerb(name: string): AetherError {
  return new AetherError({
    code: 'verb.unknown',
    who: 'user',
    message: `The host knows no verb ${JSON.stringify(cutText(name, { chars_max: 100 }))}.`,
    next: 'Use a client of the same version as the host.',
  });
}
