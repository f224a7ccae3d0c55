/** Messages to agents, as clients ask for them. */
import type { InjectionView } from '../../api.ts';
import { AetherError } from '../../errors.ts';
import { cutText } from '../../text.ts';
import type { By, Wiring } from '../wiring.ts';
import { cancelInjection } from './cancel-injection.ts';
import { acceptInjection, type InjectInput, type InjectionDelivery, viewOf } from './inject.ts';

/** What this file uses of the host. */
type Needs = Pick<
  Wiring,
  'store' | 'clock' | 'ids' | 'log' | 'events' | 'agents' | 'runs' | 'injections' | 'leases'
>;

const LIST_MAX = 200;

export class Messages {
  readonly #wiring: Needs;
  readonly #delivery: InjectionDelivery;

  constructor(wiring: Needs, delivery: InjectionDelivery) {
    this.#wiring = wiring;
    this.#delivery = delivery;
  }

  send(agent: string, input: InjectInput, by: By): InjectionView {
    const view = acceptInjection(this.#wiring, agent, input, by);
    void this.#delivery.kick(agent);
    return view;
  }

  /** @throws AetherError `inject.unknown` */
  get(id: string): InjectionView {
    const record = this.#wiring.injections.get(id);
    if (record !== null) return viewOf(record);
    throw new AetherError({
      code: 'inject.unknown',
      who: 'user',
      message: `There is no injection ${JSON.stringify(cutText(id, { chars_max: 80 }))}.`,
      next: 'Use the id that `aether inject` printed.',
    });
  }

  list(agent: string): InjectionView[] {
    this.#wiring.agents.get(agent);
    return this.#wiring.injections.list(agent, LIST_MAX).map(viewOf);
  }

  cancel(id: string, by: By): Promise<InjectionView> {
    this.get(id);
    return cancelInjection(this.#wiring, this.#delivery, id, by);
  }
}
