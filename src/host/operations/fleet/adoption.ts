/**
 * An agent goes on with a conversation that a person began by hand with its engine. The conversation is forked: the
 * agent gets a copy in its own directory, and the original is only read. The agent itself is one of aether.yaml like
 * any other, so that the next `up` keeps it.
 */
import { dirname } from 'node:path';
import type { Adoption as Adopting, FoundConversation } from '../../../runtimes/adoption.ts';
import type { AdoptedView, AgentView, ConversationView } from '../../api.ts';
import { makeBeneath } from '../../beneath.ts';
import { realPath } from '../../config/paths.ts';
import type { AgentConfig } from '../../config/types.ts';
import { AetherError, diskFull, isDiskFull } from '../../errors.ts';
import { makeDirectories } from '../../paths.ts';
import { shortText } from '../../text.ts';
import { ADOPTED } from '../launch/run-end.ts';
import { placeOfRun } from '../launch/run-places.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import type { By, Wiring } from '../wiring.ts';
import type { Fleet } from './fleet.ts';

/** What this file uses of the host. */
type Needs = Pick<
  Wiring,
  | 'stateDir'
  | 'configFile'
  | 'socketDir'
  | 'bridge'
  | 'path'
  | 'userHome'
  | 'clock'
  | 'store'
  | 'events'
  | 'agents'
  | 'runs'
  | 'runtime'
  | 'touched'
>;

/** Listed of a directory. */
const LISTED_MAX = 20;
/** Of an id's beginning: enough to say that there are several. */
const MEANT_MAX = 5;

interface Which {
  runtime: string;
  id?: string | undefined;
  directory?: string | undefined;
  from?: string | undefined;
}

interface Asked extends Which {
  id: string;
  force?: boolean | undefined;
  fresh?: boolean | undefined;
}

/** What is copied, and for whom. */
interface Plan {
  config: AgentConfig;
  adopting: Adopting;
  found: FoundConversation;
  from: string | null;
}

export class Adoption {
  readonly #wiring: Needs;
  readonly #fleet: Pick<Fleet, 'declared'>;
  readonly #lifecycle: Pick<Lifecycle, 'start'>;
  /** Names of the runtimes of this version. */
  readonly #runtimes: readonly string[];
  readonly #view: (agent: string) => AgentView;

  constructor(parts: {
    wiring: Needs;
    fleet: Pick<Fleet, 'declared'>;
    lifecycle: Pick<Lifecycle, 'start'>;
    runtimes: readonly string[];
    view: (agent: string) => AgentView;
  }) {
    this.#wiring = parts.wiring;
    this.#fleet = parts.fleet;
    this.#lifecycle = parts.lifecycle;
    this.#runtimes = parts.runtimes;
    this.#view = parts.view;
  }

  /** @throws AetherError `runtime.unknown`, `runtime.no-adoption`, `conversation.id` */
  async conversations(which: Which): Promise<ConversationView[]> {
    const { runtime, adopting } = this.#adopting(which.runtime);
    const found = await this.#find(adopting, which, LISTED_MAX);
    return found.map((one) => ({ runtime, ...one }));
  }

  /** @returns once it runs, or has failed to start with its copy. @throws AetherError; then nothing of it has changed */
  async adopt(name: string, asked: Asked, by: By): Promise<AdoptedView> {
    const { runtime, adopting } = this.#adopting(asked.runtime);
    if (this.#wiring.configFile === null) throw noConfiguration();
    const found = only(asked.id, await this.#find(adopting, asked, MEANT_MAX));
    if (found.use?.open && !asked.force) throw inUse(found);
    const config = this.#fleet.declared(name, by);
    requireFit(config, runtime, found);
    const plan = { config, adopting, found, from: asked.from ?? null };
    let copied: Awaited<ReturnType<Adopting['fork']>> | null = null;
    try {
      await this.#lifecycle.start(name, by, {
        before: async () => {
          this.#requireFree(name, asked.fresh ?? false);
          copied = await this.#fork(plan, by);
        },
      });
    } catch (error) {
      // The agent has its copy and carries what keeps it from starting.
      if (copied === null || this.#view(name).problem === null) throw error;
    }
    const { session, ...rest } = copied!;
    return { agent: this.#view(name), conversation: { runtime, ...found }, session, copied: rest };
  }

  #adopting(name: string): { runtime: string; adopting: Adopting } {
    const meant = this.#runtimes.includes(name)
      ? [name]
      : this.#runtimes.filter((runtime) => runtime.startsWith(name));
    const able = this.#runtimes.filter((runtime) => this.#wiring.runtime(runtime).adoption !== undefined);
    if (meant.length !== 1) throw unknownRuntime(name, able);
    const adopting = this.#wiring.runtime(meant[0]!).adoption;
    if (adopting === undefined) throw noAdoption(meant[0]!, able);
    return { runtime: meant[0]!, adopting };
  }

  #find(adopting: Adopting, { id, directory, from }: Which, limit: number): Promise<FoundConversation[]> {
    const { userHome, clock } = this.#wiring;
    const where = { userHome, environment: process.env, from: from ?? null };
    if (id === undefined) {
      if (directory === undefined) throw neither();
      // As an engine that is started there names it.
      return adopting.find(where, { directory: realPath(directory) }, limit, clock.now());
    }
    const part = id.toLowerCase();
    if (!adopting.idForm.pattern.test(part)) throw noId(id, adopting);
    return adopting.find(where, { id: part }, limit, clock.now());
  }

  #requireFree(name: string, fresh: boolean): void {
    const { runs, agents } = this.#wiring;
    if (runs.of(name) !== null) {
      throw new AetherError({
        code: 'agent.running',
        who: 'user',
        message: `${name} runs: it cannot be given another conversation now.`,
        next: `Stop it first (\`aether stop ${name}\`), or adopt it as another agent.`,
      });
    }
    if (fresh || agents.get(name).engine?.session == null) return;
    throw new AetherError({
      code: 'agent.begun',
      who: 'user',
      message: `${name} has a conversation of its own.`,
      next: 'Adopt it as another agent, or leave that conversation with `--fresh`.',
    });
  }

  /** The copy, then the agent that has it, with the event that says so. */
  async #fork({ config, adopting, found, from }: Plan, by: By) {
    const { agents, store, events, userHome } = this.#wiring;
    const place = placeOfRun(this.#wiring, config.name, '');
    try {
      makeDirectories(dirname(place.agentDir));
      makeBeneath(dirname(place.agentDir), config.name);
      const copied = await adopting.fork({ userHome, environment: process.env, from }, found, place);
      store.transaction(() => {
        agents.change(config.name, (agent) => {
          agent.engine = { session: copied.session, [ADOPTED]: true };
        });
        const { id, file, directory, words, use } = found;
        const { session, files, bytes } = copied;
        const open = use?.open ?? false;
        events.append({
          topic: 'agent.adopted',
          agent: config.name,
          principal: by,
          grade: 'enforced',
          data: { runtime: config.runtime, id, session, file, directory, words, files, bytes, open },
        });
      });
      this.#wiring.touched(config.name);
      return copied;
    } catch (error) {
      throw isDiskFull(error) ? diskFull(place.agentDir, error) : error;
    }
  }
}

/** @throws AetherError `agent.other-runtime`, `agent.other-directory` */
function requireFit(config: AgentConfig, runtime: string, found: FoundConversation): void {
  const { name } = config;
  if (config.runtime !== runtime) {
    throw new AetherError({
      code: 'agent.other-runtime',
      who: 'user',
      message: `${name} has runtime ${config.runtime}, which cannot go on with a conversation of ${runtime}.`,
      next: `Adopt it as another agent, with \`runtime: ${runtime}\`.`,
    });
  }
  if (realPath(config.workspace) === realPath(found.directory)) return;
  throw new AetherError({
    code: 'agent.other-directory',
    who: 'user',
    message: `${name} works in ${config.workspace}, and the conversation was begun in ${found.directory}.`,
    next: `Adopt it as an agent with \`workspace: ${found.directory}\`.`,
  });
}

/** @throws AetherError `conversation.unknown`, `conversation.ambiguous` */
function only(id: string, found: readonly FoundConversation[]): FoundConversation {
  const [one, ...others] = found;
  if (one === undefined) {
    throw new AetherError({
      code: 'conversation.unknown',
      who: 'user',
      message: `No conversation that was begun by hand has the id ${shortText(id, 40)}, or one without a message.`,
      next: 'List those of a directory: leave the id out. Those kept elsewhere are found with `--from DIR`.',
    });
  }
  if (others.length === 0) return one;
  throw new AetherError({
    code: 'conversation.ambiguous',
    who: 'user',
    message: `Several conversations have an id that begins with ${id}: ${found.map((each) => each.id).join(', ')}${found.length === MEANT_MAX ? ', …' : ''}.`,
    next: 'Give more of it.',
  });
}

function inUse({ id, use, directory }: FoundConversation): AetherError {
  return new AetherError({
    code: 'conversation.in-use',
    who: 'user',
    message: `Conversation ${id} is in use: ${use?.what}. What is said there from now on would not be in the copy, and both would work in ${directory}.`,
    next: 'End it there, then do this again; `--force` copies it as it is now.',
  });
}

function unknownRuntime(name: string, able: readonly string[]): AetherError {
  return new AetherError({
    code: 'runtime.unknown',
    who: 'user',
    message: `No runtime is named ${JSON.stringify(shortText(name, 40))}.`,
    next: `Conversations are adopted from: ${able.join(', ')}.`,
  });
}

function noAdoption(name: string, able: readonly string[]): AetherError {
  return new AetherError({
    code: 'runtime.no-adoption',
    who: 'user',
    message: `A conversation that was begun by hand cannot be adopted by runtime ${name}.`,
    next: `Conversations are adopted from: ${able.join(', ')}.`,
  });
}

function noId(id: string, { idForm }: Adopting): AetherError {
  return new AetherError({
    code: 'conversation.id',
    who: 'user',
    message: `${JSON.stringify(shortText(id, 40))} is not an id of a conversation.`,
    next: `Give ${idForm.text}; without one, those of this directory are listed.`,
  });
}

/** The host of a client of the tools. */
function noConfiguration(): AetherError {
  return new AetherError({
    code: 'config.none',
    who: 'user',
    message: 'This host has no aether.yaml, and so no agents.',
    next: 'Make one with `aether init`, start its host with `aether up --detach`, and do this there.',
  });
}

function neither(): AetherError {
  return new AetherError({
    code: 'conversation.unsaid',
    who: 'user',
    message: 'The directory or the id of the conversations is missing.',
    next: 'Give `directory` or `id`.',
  });
}
