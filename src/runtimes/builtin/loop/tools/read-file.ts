/** Reads a file up to a limit and says how much was left out, so that a model knows that there is more. */
import { constants } from 'node:fs';
import { z } from 'zod';
import { wholeBytes } from '../../../../host/text.ts';
import { localTool } from './local.ts';
import type { LoopTool } from './tool.ts';
import type { Workspace } from './workspace.ts';

const READ_BYTES_MAX = 256 * 1024;

/** Reads a part of a text file; what is left out is said. */
export function readFileTool(workspace: Workspace): LoopTool {
  return localTool({
    name: 'read_file',
    description: `Read a text file of the workspace, at most ${READ_BYTES_MAX} bytes at a time. Use offset to go on where a longer file was cut.`,
    input: z.strictObject({
      path: z.string().min(1).describe('Path of the file, relative to the workspace.'),
      offset: z.int().nonnegative().default(0).describe('Byte to begin at.'),
    }),
    readOnly: true,
    subject: ({ path }) => workspace.name(path),
    async run({ path, offset }) {
      const located = await workspace.locate(path);
      const file = await workspace.open(located, constants.O_RDONLY);
      try {
        const { size } = await file.stat();
        const buffer = Buffer.alloc(Math.max(0, Math.min(READ_BYTES_MAX, size - offset)));
        const { bytesRead } = await file.read(buffer, 0, buffer.length, offset);
        const read = buffer.subarray(0, bytesRead);
        if (read.includes(0)) throw new Error(`${path} is not a text file.`);
        // The next part begins where a character does.
        const data = offset + bytesRead < size ? read.subarray(0, wholeBytes(read)) : read;
        const end = offset + data.length;
        return end < size
          ? `${data.toString('utf8')}\n[${size - end} more bytes: read on with offset ${end}]`
          : data.toString('utf8');
      } finally {
        await file.close();
      }
    },
  });
}
