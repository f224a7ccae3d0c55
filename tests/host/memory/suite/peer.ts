/**
 * The same cases on @modelcontextprotocol/server-memory, by its tools, as a careful client would use it: an entity per
 * memory; what is replaced or forgotten is deleted; sources and contradictions are relations; an expiry is an observation.
 * A search asks for the whole query, and where that finds nothing for each of its longer words. Where its form leaves the
 * reader to find out, it is granted that the reader does: a date that has passed counts as expired, what was deleted as
 * superseded, two values in one entity as a contradiction.
 */
import type { Case, Check, Notes, Outcome, Step, Subject } from './world.ts';
import { fits } from './world.ts';

interface Entity {
  name: string;
  observations: string[];
}
interface Graph {
  entities: Entity[];
  relations: { from: string; to: string; relationType: string }[];
}

/** Calls one tool of it. */
export type PeerCall = (tool: string, args: Record<string, unknown>) => Promise<Record<string, unknown>>;

const EXPIRES = 'expires at ';
const TYPE = 'memory';
const DAY_MS = 86_400_000;
const WORD_CHARS_MIN = 4;

/** @param call on one server, which is emptied before each case */
export function peerSubject(call: PeerCall): Subject {
  return {
    carriedOut: async ({ steps, checks }: Case): Promise<Outcome[]> => {
      await emptied(call);
      const world = new PeerWorld(call);
      for (const step of steps) await world.step(step);
      const outcomes: Outcome[] = [];
      for (const check of checks) {
        const is = await world.stateOf(check);
        outcomes.push({ check, is, holds: holds(check.state, is) });
      }
      return outcomes;
    },
    notes: async (texts: readonly string[]): Promise<Notes> => {
      await emptied(call);
      const entities = texts.map((text, at) => ({
        name: `note ${at}`,
        entityType: TYPE,
        observations: [text],
      }));
      await call('create_entities', { entities });
      return {
        async search(query) {
          const { entities: found } = await searched(call, query);
          return { texts: found.flatMap(({ observations }) => observations), certain: true };
        },
        close: async () => undefined,
      };
    },
  };
}

const holds = (expected: Check['state'], is: string): boolean =>
  fits(expected, is) || (expected === 'superseded' && is === 'forgotten');

class PeerWorld {
  readonly #call: PeerCall;
  /** What is called so in the case: its entity, and its text there. */
  readonly #stored = new Map<string, { name: string; text: string; scope: string }>();
  #now = Date.UTC(2026, 0, 1);

  constructor(call: PeerCall) {
    this.#call = call;
  }

  async step(step: Step): Promise<void> {
    if (step.do === 'store') await this.#store(step);
    else if (step.do === 'forget') await this.#remove(step.what);
    else if (step.do === 'search') await searched(this.#call, step.query);
    else if (step.do === 'wait') this.#now += step.ms;
  }

  async #store({
    as,
    text,
    key,
    scope = 'agent',
    from = [],
    supersedes = [],
    contradicts = [],
    expires,
  }: Extract<Step, { do: 'store' }>): Promise<void> {
    const name = key ?? as;
    for (const old of supersedes) await this.#remove(old);
    const standing = [...this.#stored.values()].filter((one) => one.name === name);
    for (const old of standing.filter((one) => one.scope === scope))
      await this.#call('delete_observations', {
        deletions: [{ entityName: name, observations: [old.text] }],
      });
    const until =
      expires === undefined
        ? []
        : [EXPIRES + new Date(this.#now + Number.parseInt(expires, 10) * DAY_MS).toISOString()];
    if (standing.length === 0)
      await this.#call('create_entities', {
        entities: [{ name, entityType: TYPE, observations: [text, ...until] }],
      });
    else
      await this.#call('add_observations', {
        observations: [{ entityName: name, contents: [text, ...until] }],
      });
    const relation = (relationType: string) => (of: string) => ({
      from: name,
      to: this.#stored.get(of)?.name ?? of,
      relationType,
    });
    const relations = [...from.map(relation('derived from')), ...contradicts.map(relation('contradicts'))];
    if (relations.length > 0) await this.#call('create_relations', { relations });
    this.#stored.set(as, { name, text, scope });
  }

  /** The text alone, where another stands beside it. */
  async #remove(as: string): Promise<void> {
    const { name, text } = this.#stored.get(as)!;
    const { entities } = await this.#graph('open_nodes', { names: [name] });
    const others = entities[0]?.observations.filter((one) => one !== text && !one.startsWith(EXPIRES)) ?? [];
    if (others.length === 0) await this.#call('delete_entities', { entityNames: [name] });
    else await this.#call('delete_observations', { deletions: [{ entityName: name, observations: [text] }] });
  }

  async stateOf({ of, query }: Check): Promise<string> {
    const { name, text } = this.#stored.get(of)!;
    const { entities, relations } = await searched(this.#call, query);
    const entity = entities.find((one) => one.name === name);
    if (entity === undefined || !entity.observations.includes(text)) {
      const opened = await this.#graph('open_nodes', { names: [name] });
      return opened.entities[0]?.observations.includes(text) ? 'not found' : 'forgotten';
    }
    const until = entity.observations.find((one) => one.startsWith(EXPIRES))?.slice(EXPIRES.length);
    if (until !== undefined && Date.parse(until) <= this.#now) return 'expired';
    const values = entity.observations.filter((one) => !one.startsWith(EXPIRES));
    const declared = relations.some(
      (one) => one.relationType === 'contradicts' && (one.from === name || one.to === name),
    );
    return values.length > 1 || declared ? 'contradicted' : 'live';
  }

  async #graph(tool: string, args: Record<string, unknown>): Promise<Graph> {
    return (await this.#call(tool, args)).structuredContent as Graph;
  }
}

async function searched(call: PeerCall, query: string): Promise<Graph> {
  const find = async (text: string) =>
    (await call('search_nodes', { query: text })).structuredContent as Graph;
  const whole = await find(query);
  if (whole.entities.length > 0) return whole;
  const words = [...new Set(query.match(/[\p{L}\p{N}_]+/gu) ?? [])].filter(
    (word) => word.length >= WORD_CHARS_MIN,
  );
  const parts: Graph[] = [];
  for (const word of words) parts.push(await find(word));
  const hits = new Map<string, { entity: Entity; count: number }>();
  for (const entity of parts.flatMap(({ entities }) => entities)) {
    const { count } = hits.get(entity.name) ?? { count: 0 };
    hits.set(entity.name, { entity, count: count + 1 });
  }
  const ordered = [...hits.values()].sort((a, b) => b.count - a.count).map(({ entity }) => entity);
  return { entities: ordered, relations: parts.flatMap(({ relations }) => relations) };
}

async function emptied(call: PeerCall): Promise<void> {
  const { entities } = (await call('read_graph', {})).structuredContent as Graph;
  await call('delete_entities', { entityNames: entities.map(({ name }) => name) });
}
