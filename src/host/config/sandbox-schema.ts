/** `sandbox:` of aether.yaml: where an agent's processes run and what they are shown. */
import { z } from 'zod';
import { SANDBOX_KINDS } from '../sandboxes/kinds.ts';
import { text } from './text-schema.ts';

/** Of one list of a sandbox: each path costs time at every start. */
const SANDBOX_PATHS_MAX = 64;

const sandboxKind = z.enum(['auto', ...SANDBOX_KINDS]).meta({
  description:
    'bubblewrap: its processes see and write only what they are given, and no process outside; none: they have all the rights of your user; auto: bubblewrap where it works here, otherwise none. Default: auto.',
  examples: ['auto'],
});

const shownPaths = (what: string, example: string) =>
  z
    .array(text())
    .max(SANDBOX_PATHS_MAX)
    .meta({ description: `${what} Relative to this file; ~ is your home.`, examples: [[example]] })
    .optional();

export const sandboxSchema = z
  .union([
    sandboxKind,
    z.strictObject({
      kind: sandboxKind.optional(),
      required: z
        .boolean()
        .meta({
          description:
            'Refuse to start the agent where its sandbox does not work here; with auto, where there is none at all. Default: false with auto. A kind that is named is always required.',
          examples: [true],
        })
        .optional(),
      read: shownPaths(
        'Files and directories it may read besides the system and its workspace: credentials of git or ssh, data. One inside the workspace becomes read-only there.',
        '~/.gitconfig',
      ),
      write: shownPaths('Files and directories it may write besides its workspace.', '~/.cache/pip'),
      inherit: z
        .enum(['toolchains', 'none'])
        .meta({
          description:
            'toolchains: the programs on your PATH that lie outside the system’s directories (nvm, cargo, ~/.local/bin) are there, read-only; none: only the system’s. Default: toolchains.',
          examples: ['toolchains'],
        })
        .optional(),
      debug: z
        .boolean()
        .meta({
          description:
            'Debuggers work inside. Programs that the engine starts can then forge what it is asked and what it answers. Default: false.',
          examples: [true],
        })
        .optional(),
    }),
  ])
  .meta({
    description:
      'Where its processes run and what of this machine they see. Short form: only the kind. What is left out comes from the defaults.',
    examples: ['auto', { kind: 'bubblewrap', read: ['~/.gitconfig'] }],
  });
