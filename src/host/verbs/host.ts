/** The host itself, and the configuration it runs. */
import { z } from 'zod';
import { defineVerb, OPERATORS } from './verb.ts';

const nothing = z.strictObject({});

export const info = defineVerb({
  kind: 'call',
  name: 'info',
  summary: 'What this host is: version, state directory, configuration, runtimes found.',
  input: nothing,
  who: OPERATORS,
  reads: true,
  run: (rooms) => rooms.host.info(),
});

export const consoleLink = defineVerb({
  kind: 'call',
  name: 'consoleLink',
  summary: 'A new link that signs one browser in to the console, once.',
  input: z.strictObject({
    plain: z.boolean().optional().meta({
      description:
        'With 127.0.0.1 instead of the name of this start; other programs may have had that address before.',
    }),
  }),
  who: OPERATORS,
  run: (rooms, { plain }) => rooms.host.consoleLink(plain),
});

export const down = defineVerb({
  kind: 'call',
  name: 'down',
  summary: 'Stops every agent, then the host; agents that should run start with the next host.',
  input: nothing,
  who: OPERATORS,
  run: (rooms, _input, { principal }) => rooms.host.down(principal),
});

export const plan = defineVerb({
  kind: 'call',
  name: 'plan',
  summary: 'What applying the configuration file would change, and what each agent would be started with.',
  input: nothing,
  who: OPERATORS,
  reads: true,
  run: (rooms) => rooms.fleet.plan(),
});

export const apply = defineVerb({
  kind: 'call',
  name: 'apply',
  summary: 'Applies the configuration file, restarts and removals included.',
  input: nothing,
  who: OPERATORS,
  run: (rooms, _input, { principal }) => rooms.fleet.apply(principal),
});
