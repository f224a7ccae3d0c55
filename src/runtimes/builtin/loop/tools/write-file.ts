/** Writing replaces a whole file: a model that edits in place needs to have read it first anyway. */
import { constants } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { localTool } from './local.ts';
import type { LoopTool } from './tool.ts';
import type { Workspace } from './workspace.ts';

const WRITE_CHARS_MAX = 4 * 1024 * 1024;

/** Creates or replaces a text file, and the directories it needs. */
export function writeFileTool(workspace: Workspace): LoopTool {
  return localTool({
    name: 'write_file',
    description:
      'Create a text file in the workspace, or replace what it holds. Missing directories are made.',
    input: z.strictObject({
      path: z.string().min(1).describe('Path of the file, relative to the workspace.'),
      content: z.string().max(WRITE_CHARS_MAX).describe('The whole new content.'),
    }),
    readOnly: false,
    subject: ({ path }) => workspace.name(path),
    async run({ path, content }) {
      const located = await workspace.locate(path);
      await mkdir(dirname(located), { recursive: true });
      // Not truncated by the open itself: what is there may turn out to be no regular file.
      const file = await workspace.open(located, constants.O_WRONLY | constants.O_CREAT);
      try {
        await file.truncate(0);
        await file.writeFile(content, 'utf8');
      } finally {
        await file.close();
      }
      return `Wrote ${Buffer.byteLength(content)} bytes to ${path}.`;
    },
  });
}
