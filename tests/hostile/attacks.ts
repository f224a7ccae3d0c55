/** All attacks, in the order in which they are tried: what ends host or agents comes last. */
import type { Attack } from './attack.ts';
import { gates } from './attacks/gate.ts';
import { host } from './attacks/host.ts';
import { identity } from './attacks/identity.ts';
import { kernel } from './attacks/kernel.ts';
import { links } from './attacks/links.ts';
import { network } from './attacks/network.ts';
import { openclaw } from './attacks/openclaw.ts';
import { operator } from './attacks/operator.ts';
import { sibling } from './attacks/sibling.ts';
import { state } from './attacks/state.ts';

export const ATTACKS: readonly Attack[] = [
  ...sibling,
  ...state,
  ...kernel,
  ...network,
  ...identity,
  ...links,
  ...gates,
  ...openclaw,
  ...host,
  ...operator,
];
