// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${NAME} is the syntax of the file, not of JavaScript.
/** `runtime: command`: any program in a terminal. The key `command` names the program. */
import { z } from 'zod';
import type { LoginRules, RuntimeConfig, RuntimeDefinition } from '../definition.ts';
import { ADAPTER_NAMES } from './adapter.ts';
import { type CommandOptions, MULTILINE, resolveCommand } from './program.ts';

const optionsOf = (options: Record<string, unknown>): CommandOptions => options as unknown as CommandOptions;

const word = z
  .string()
  .min(1)
  .refine((value) => !value.includes('\0'), 'must not hold a NUL character');

const config: RuntimeConfig = {
  keys: {
    command: {
      schema: z
        .array(word)
        .min(1)
        .meta({
          description:
            'runtime: command only. The program and its arguments; no shell in between. A path is relative to this file. AETHER_MCP_COMMAND in its environment is the MCP server to connect to.',
          examples: [['./bin/agent', '--verbose']],
        }),
      waits: 'runs another program',
      mend: (actual) =>
        typeof actual === 'string'
          ? `Write the program and each argument as a list: \`command: [${actual.trim().split(/\s+/).map(quoteIfNeeded).join(', ')}]\`.`
          : null,
    },
    endpoints: {
      schema: z
        .array(
          z
            .string()
            .max(2_000)
            .refine(
              (value) => /^https?:$/.test(URL.parse(value)?.protocol ?? ''),
              'must be a URL: https://HOST or http://127.0.0.1:PORT',
            ),
        )
        .max(16)
        .meta({
          description:
            'runtime: command only. Where the program reaches its model: open in its sandbox whatever `network:` says, as for the other runtimes.',
          examples: [['https://api.example.com']],
        }),
      waits: 'lets it reach other hosts',
      mend: (actual) =>
        typeof actual === 'string' ? `Write a list: \`endpoints: [${quoteIfNeeded(actual)}]\`.` : null,
    },
    adapter: {
      schema: z.enum(ADAPTER_NAMES).meta({
        description:
          'runtime: command only. The name of a known program: Aether then knows how to send it a message, how to interrupt it, and what its screen shows when it takes text, works or asks.',
        examples: [ADAPTER_NAMES[0]],
      }),
      waits: 'types to it in another way',
    },
    multiline: {
      schema: z.enum(MULTILINE).meta({
        description:
          'runtime: command only. What happens to a message of several lines when the program does not take it as one (it has no bracketed paste). refuse; join: its lines are typed as one; type: each line is typed and sent by itself, which a shell runs. Default: refuse.',
        examples: [MULTILINE[0]],
      }),
      waits: 'types messages of several lines in another way',
    },
  },
  modelForms: null,
  check({ where, get, pathFault }) {
    const command = get('command') as string[] | undefined;
    const fault = command === undefined ? null : pathFault(command[0]!);
    if (fault !== null)
      return [
        {
          code: 'path',
          key: 'command',
          message: `The program in ${where}.command is not a usable path: ${fault.why}.`,
          next: fault.next,
        },
      ];
    if (command !== undefined) return [];
    return [
      {
        code: 'command-missing',
        key: null,
        message: `${where} has runtime command but no \`command\`.`,
        next: 'Add the program and its arguments as a list: `command: [./bin/agent, --verbose]`.',
      },
    ];
  },
  options({ get, path }) {
    const [program, ...args] = get('command') as string[];
    // A bare name is looked up on PATH; anything with a slash is a path like every other in the file.
    const [endpoints, adapter, multiline] = [get('endpoints'), get('adapter'), get('multiline')];
    return {
      command: [program!.includes('/') ? path(program!) : program!, ...args],
      ...(endpoints === undefined ? {} : { endpoints }),
      ...(adapter === undefined ? {} : { adapter }),
      ...(multiline === undefined ? {} : { multiline }),
    };
  },
  resolve(options, path) {
    const command = resolveCommand(optionsOf(options).command, path);
    return Array.isArray(command) ? { ...options, command } : command;
  },
  execTexts: (options, goal) => [
    ...optionsOf(options).command.map((text, index) => ({
      path: ['command', String(index)],
      bytes: Buffer.byteLength(text) + 1,
    })),
    // The goal is handed to it as a variable.
    ...(goal === null ? [] : [{ path: ['goal'], bytes: Buffer.byteLength(`AETHER_GOAL=${goal}`) + 1 }]),
  ],
  login: login(),
};

/** Nothing is known of its log-in: a variable is handed on under its own name. */
function login(): LoginRules {
  return {
    providers: {},
    misfit: (auth, _model, where) =>
      auth.env !== undefined
        ? null
        : {
            message: `${where}.auth cannot have this form with runtime command.`,
            next: 'Give the program what it needs below `env:`, for example `env: { TOKEN: "${TOKEN}" }`.',
          },
    variable: ({ name }) => name,
    usual: () => null,
    missing: () => null,
    address: () => null,
  };
}

function quoteIfNeeded(text: string): string {
  return /^[\w./~-]+$/.test(text) && Number.isNaN(Number(text)) ? text : JSON.stringify(text);
}

export const command: RuntimeDefinition = {
  name: 'command',
  about: 'any program in a terminal',
  config,
  init: null,
  load: async () => (await import('./runtime.ts')).commandRuntime,
};
