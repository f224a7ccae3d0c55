// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${NAME} is the syntax of the file, not of JavaScript.
/**
 * The schema of aether.yaml: validation, the published JSON Schema (descriptions are an editor's hover help) and the
 * examples in error messages all come from it.
 */
import { z } from 'zod';
import { limits } from '../limits.ts';
import { NAME } from '../names.ts';
import { durationInMs } from './duration.ts';
import { memorySchema } from './memory-schema.ts';
import { networkSchema, portsSchema } from './network-schema.ts';
import {
  describeModels,
  describeRuntimes,
  modelExamples,
  OWN_KEYS,
  ownKey,
  PROVIDER_NAMES,
  RUNTIME_NAMES,
} from './runtime-keys.ts';
import { sandboxSchema } from './sandbox-schema.ts';
import { size } from './sizes.ts';
import { terminalSchema } from './terminal-schema.ts';
import { text } from './text-schema.ts';
import { AETHER_TOOLS } from './tools.ts';

const rules = (what: string) =>
  z.array(text()).meta({
    description: `${what} A tool name, or name(pattern) with * for anything: Read, Bash(git *), run_command(npm test). Rules for tools an engine does not have do nothing.`,
    examples: [['Read', 'Bash(git diff *)', 'run_command(git diff *)']],
  });

const MODES = ['ask', 'allow', 'deny'] as const;
const mode = z.enum(MODES).meta({
  description:
    'What happens to a tool call that no rule names: ask (it waits for the operator, unless the engine itself takes it for harmless: reading its workspace, `pwd`, `git status`), allow, deny. Default: ask.',
  examples: ['ask'],
});

export const permissionsSchema = z
  .union([
    mode,
    z.strictObject({
      mode: mode.optional(),
      allow: rules('Tool calls that run without asking.').optional(),
      deny: rules('Tool calls that never run; wins over allow.').optional(),
    }),
  ])
  .meta({
    description:
      'Which of the engine’s own tools run without asking. Short form: only the mode. What is left out comes from the template.',
    examples: ['ask', { mode: 'ask', allow: ['Read', 'Bash(git diff *)'] }],
  });

export const toolsSchema = z
  .union([
    z.enum(['all', 'none']),
    z.array(z.enum(AETHER_TOOLS).meta({ description: 'An aether_* tool.', examples: ['aether_report'] })),
  ])
  .meta({
    description: 'aether_* tools the agent may call: all, none, or a list. Default: the template’s, or all.',
    examples: [['aether_memory_search', 'aether_report'], 'all'],
  });

export const limitsSchema = z
  .strictObject({
    steps_max: z
      .int()
      .min(1)
      .max(100_000)
      .meta({
        description:
          'Model requests in one turn before the engine ends it. Default: the template’s, or the engine’s own.',
        examples: [80],
      })
      .optional(),
  })
  .meta({ description: 'Limits of one turn.', examples: [{ steps_max: 80 }] });

const POLICIES = ['never', 'on-failure', 'always'] as const;
const policy = z.enum(POLICIES).meta({
  description: 'never; on-failure: when it ended with an error; always. Default: on-failure.',
  examples: ['on-failure'],
});

export const restartSchema = z
  .union([
    policy,
    z.strictObject({
      policy: policy.optional(),
      attempts: z
        .int()
        .min(1)
        .max(1_000)
        .meta({
          description:
            'Failed runs in a row after which it is not started again; exit 0 does not count. Default: 5.',
          examples: [5],
        })
        .optional(),
      stable_ms: z
        .int()
        .min(limits.restart_stable_ms_min)
        .max(limits.restart_stable_ms_max)
        .meta({
          description:
            'A run that lasted this long, in milliseconds, is healthy: when it ends, the agent is started again at once. After a shorter run it waits, each time longer, up to a minute. Default: 10000.',
          examples: [10_000],
        })
        .optional(),
    }),
  ])
  .meta({
    description:
      'Whether the agent is started again when its process ends by itself. An operator’s stop is not undone.',
    examples: ['on-failure', { policy: 'always', attempts: 3 }],
  });

const WATCHDOG_ACTIONS = ['report', 'interrupt', 'restart'] as const;
const watchdogAction = z.enum(WATCHDOG_ACTIONS).meta({
  description:
    'report: an event, and a mark where the agent is shown; interrupt: its turn is ended and it is told so; restart: its process is started again. Default: report.',
  examples: ['report'],
});

export const watchdogSchema = z
  .union([
    z.literal('off'),
    watchdogAction,
    z.strictObject({
      after: z
        .string()
        .refine(
          (value) => durationInMs(value) >= 1_000 && durationInMs(value) <= 7 * 86_400_000,
          'must be a time from 1s to 7d, such as 10m',
        )
        .meta({
          description: 'How long without progress: 90s, 10m, 2h. Default: 10m.',
          examples: ['10m'],
        })
        .optional(),
      action: watchdogAction.optional(),
    }),
  ])
  .meta({
    description:
      'What happens when a turn is stuck: no output of the engine, no tool begun or done, no CPU time used by any of its processes. Silence alone is not enough, and an agent that is idle, waits for you, is held or paused is never stuck. off: it is not watched.',
    examples: [{ after: '10m', action: 'report' }, 'interrupt', 'off'],
  });

const authSchema = z
  .union([
    text(),
    z
      .strictObject({
        env: text()
          .meta({
            description: 'Name of a variable in the environment of aether that holds an API key.',
            examples: ['ANTHROPIC_API_KEY'],
          })
          .optional(),
        file: text()
          .meta({
            description: 'File with an API key; must be readable by its owner only (chmod 600).',
            examples: ['~/.config/aether/anthropic.key'],
          })
          .optional(),
        oauth_env: text()
          .meta({
            description: 'Name of a variable that holds an OAuth token (made by `claude setup-token`).',
            examples: ['CLAUDE_CODE_OAUTH_TOKEN'],
          })
          .optional(),
        oauth_file: text()
          .meta({
            description: 'File with an OAuth token; must be readable by its owner only (chmod 600).',
            examples: ['~/.config/aether/claude.token'],
          })
          .optional(),
        provider: z
          .enum(PROVIDER_NAMES)
          .meta({
            description: 'The cloud provider’s own variables are taken from the environment of aether.',
            examples: PROVIDER_NAMES.slice(0, 1),
          })
          .optional(),
      })
      .meta({ minProperties: 1, maxProperties: 1 }),
  ])
  .meta({
    description:
      'Where the log-in is found; never the secret itself. Short form: the name of a variable. Default: the engine’s usual variable, if it is set where aether runs.',
    examples: ['ANTHROPIC_API_KEY', { file: '~/.config/aether/anthropic.key' }],
  });

const INHERITABLE = ['instructions', 'settings', 'mcp_servers', 'skills'] as const;
const inheritSchema = z
  .union([
    z.enum(['all', 'none']),
    z.array(
      z.enum(INHERITABLE).meta({ description: 'Which parts the agent gets.', examples: ['instructions'] }),
    ),
  ])
  .meta({
    description:
      'What of your own engine setup the agent gets: instructions (CLAUDE.md), settings, mcp_servers, skills; or all, or none. Default: none.',
    examples: [['instructions', 'skills'], 'none'],
  });

const fields = {
  runtime: z
    .enum(RUNTIME_NAMES)
    .meta({
      description: `What runs the agent: ${describeRuntimes()}.`,
      examples: RUNTIME_NAMES.slice(0, 1),
    })
    .optional(),
  goal: text()
    .meta({
      description: 'What it is to do: the first message of a new conversation.',
      examples: ['Summarise the open questions in notes/'],
    })
    .optional(),
  template: text()
    .meta({
      description:
        'Fills role, tools, permissions and limits where the agent leaves them out: researcher, coder or reviewer.',
      examples: ['researcher'],
    })
    .optional(),
  role: text()
    .meta({
      description: 'Who the agent is, added to the engine’s system prompt. Replaces the template’s.',
      examples: ['You keep the changelog. You change nothing else.'],
    })
    .optional(),
  model: text()
    .meta({
      description: `The engine’s name for a model.${describeModels()}`,
      examples: modelExamples(),
    })
    .optional(),
  workspace: text()
    .meta({
      description:
        'The directory it works in; relative to this file, ~ is your home. Created when missing. Default: workspaces/NAME beside this file.',
      examples: ['./site'],
    })
    .optional(),
  shared: z
    .boolean()
    .meta({
      description: 'Two agents may use one workspace only when both say true. Default: false.',
      examples: [true],
    })
    .optional(),
  env: z
    .record(
      z.string(),
      z
        .string()
        .meta({ description: 'Text; ${NAME} is taken from the environment of aether.', examples: ['debug'] }),
    )
    .meta({
      description:
        'Variables for the agent’s processes. ${NAME} is taken from the environment of aether, and must be set there; $${ is a plain ${. Nothing else is inherited.',
      examples: [{ GITHUB_TOKEN: '${GITHUB_TOKEN}' }],
    })
    .optional(),
  auth: authSchema.optional(),
  inherit: inheritSchema.optional(),
  trust: z
    .boolean()
    .meta({
      description:
        'Whether the repository in the workspace may say what its engine runs: hooks, settings, MCP servers, skills, agents and commands in .claude and .mcp.json. `aether plan` lists them. Default: false.',
      examples: [true],
    })
    .optional(),
  tools: toolsSchema.optional(),
  permissions: permissionsSchema.optional(),
  restart: restartSchema.optional(),
  watchdog: watchdogSchema.optional(),
  limits: limitsSchema.optional(),
  sandbox: sandboxSchema.optional(),
  network: networkSchema.optional(),
  ports: portsSchema.optional(),
  autostart: z
    .boolean()
    .meta({ description: 'Start with the fleet. Default: true.', examples: [false] })
    .optional(),
  wake: z
    .boolean()
    .meta({ description: 'Wake the agent from idle when mail arrives. Default: true.', examples: [false] })
    .optional(),
};

/** The keys of runtimes are known by the definitions alone; their values are read by them. */
const own: Record<never, never> = Object.fromEntries(
  OWN_KEYS.map((key) => [key, (ownKey(key)!.schema as z.ZodType).optional()]),
);

const days = (what: string, example: number) =>
  z
    .int()
    .min(1)
    .max(36_500)
    .meta({ description: what, examples: [example] })
    .optional();

export const retentionSchema = z
  .strictObject({
    days: days('Days that the directory of an ended run is kept. Default: 14.', 14),
    bytes: size('Disk space for all ended runs together; the oldest are deleted first. Default: 2GB.', '2GB'),
    events_days: days('Days that events are kept, and settled messages with them. Default: 90.', 90),
    events_bytes: size('Size of the event log; the oldest events are deleted first. Default: 1GB.', '1GB'),
  })
  .meta({
    description:
      'How long, and how much, of ended runs stays on the disk. Runs that live, memory, unread mail and workspaces are never touched.',
    examples: [{ days: 14, bytes: '2GB' }],
  });

export const agentSchema = z
  .strictObject({ ...fields, ...own })
  .meta({ description: 'One agent.', examples: [{ runtime: RUNTIME_NAMES[0] }] });

const { workspace: _own, ...shareable } = { ...fields, ...own };

export const configSchema = z
  .strictObject({
    agents: z.record(z.string().regex(NAME), agentSchema).meta({
      description: 'The fleet: a name (a-z, 0-9, -) and what runs under it. {} is an empty fleet.',
      examples: [{ writer: { runtime: RUNTIME_NAMES[0] } }],
    }),
    defaults: z
      .strictObject(shareable)
      .meta({
        description: 'Fills what an agent and its own template leave out. env is merged by name.',
        examples: [{ runtime: RUNTIME_NAMES[0] }],
      })
      .optional(),
    console: z
      .strictObject({
        enabled: z
          .boolean()
          .meta({ description: 'Serve the web console on loopback. Default: true.', examples: [true] })
          .optional(),
        port: z
          .int()
          .min(0)
          .max(65_535)
          .meta({
            description: 'The first port that is tried; 0 takes any free one. Default: 7300.',
            examples: [7300],
          })
          .optional(),
      })
      .meta({ description: 'The web console.', examples: [{ port: 7300 }] })
      .optional(),
    retention: retentionSchema.optional(),
    terminal: terminalSchema.optional(),
    memory: memorySchema.optional(),
  })
  .meta({ title: 'aether.yaml', description: 'A fleet of agents and what each runs with.' });

export type RawConfig = z.infer<typeof configSchema>;
export type RawAgent = z.infer<typeof agentSchema>;
