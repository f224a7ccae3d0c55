/** `network:` and `ports:` of aether.yaml: what an agent reaches, and which of its servers the operator sees. */
import { z } from 'zod';
import { hostRuleFault } from './network.ts';

const RULES_MAX = 500;
const PORTS_MAX = 16;
/** Below, only root may listen. */
const PORT_MIN = 1_024;

const hostRule = z
  .string()
  .refine(
    (value) => hostRuleFault(value) === null,
    'must be a host: example.com, *.example.com:8443, 10.0.0.5:5432, 127.0.0.1:5432 or *',
  )
  .meta({
    description:
      'example.com is that name on 80 and 443; *.example.com all names below it; * every public host. :PORT or :* may follow. Addresses of this machine and of private networks are reached only by a rule that lists them: 10.0.0.5:5432, 10.0.0.0/8. 127.0.0.1:PORT is that port of this machine, and is at the same address inside.',
    examples: ['registry.npmjs.org'],
  });

export const networkSchema = z
  .union([z.enum(['full', 'none', 'host']), z.array(hostRule).min(1).max(RULES_MAX)])
  .meta({
    description:
      'What its processes reach, in a sandbox that confines the network. full: every public host; none: only its model; a list: these hosts and its model; host: unsafe, the network of this machine with everything that listens on it. Default: full.',
    examples: ['full', ['registry.npmjs.org', '*.github.com'], 'none'],
  });

export const portsSchema = z
  .array(
    z
      .int()
      .min(PORT_MIN)
      .max(65_535)
      .meta({ description: 'A port inside.', examples: [5173] }),
  )
  .max(PORTS_MAX)
  .meta({
    description:
      'Ports of servers inside its sandbox that you can open: each at the same port of a loopback address that is this agent’s alone, which `ps` shows.',
    examples: [[5173]],
  });
