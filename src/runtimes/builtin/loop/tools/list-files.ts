/** Lists what there is, bounded in number and depth, without following links. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { localTool } from './local.ts';
import type { LoopTool } from './tool.ts';
import type { Workspace } from './workspace.ts';

const LISTED_MAX = 1_000;
const DEPTH_MAX = 8;
/** Never looked into: they hold thousands of files that do not matter to an agent. */
const SKIPPED = new Set(['.git', 'node_modules']);

/** Lists a directory, and what lies below it as deep as asked. */
export function listFilesTool(workspace: Workspace): LoopTool {
  return localTool({
    name: 'list_files',
    description: `List a directory of the workspace, at most ${LISTED_MAX} entries; directories end in /. .git and node_modules are not looked into.`,
    input: z.strictObject({
      path: z.string().min(1).default('.').describe('Directory, relative to the workspace.'),
      depth: z.int().min(1).max(DEPTH_MAX).default(1).describe('Levels to go down.'),
    }),
    readOnly: true,
    subject: ({ path }) => workspace.name(path),
    async run({ path, depth }) {
      const found: string[] = [];
      let more = false;
      const walk = async (directory: string, prefix: string, left: number): Promise<void> => {
        const entries = await readdir(directory, { withFileTypes: true });
        for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
          if (found.length >= LISTED_MAX) {
            more = true;
            return;
          }
          // Links are named, not followed: they may lead outside.
          const isDirectory = entry.isDirectory();
          found.push(`${prefix}${entry.name}${isDirectory ? '/' : ''}`);
          if (isDirectory && left > 1 && !SKIPPED.has(entry.name)) {
            await walk(join(directory, entry.name), `${prefix}${entry.name}/`, left - 1);
          }
        }
      };
      await walk(await workspace.locate(path), '', depth);
      if (found.length === 0) return '(empty)';
      return more ? `${found.join('\n')}\n[there is more: list a directory below]` : found.join('\n');
    },
  });
}
