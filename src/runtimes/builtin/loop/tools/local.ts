/** Makes a local tool from a zod schema, so that what the model is told and what is checked are one thing. */
import type { JSONSchema7 } from 'ai';
import { z } from 'zod';
import { BadInput, type LoopTool, type ToolRun, textResult } from './tool.ts';

export function localTool<SCHEMA extends z.ZodObject>(definition: {
  name: string;
  description: string;
  input: SCHEMA;
  readOnly: boolean;
  subject(input: z.infer<SCHEMA>): string;
  run(input: z.infer<SCHEMA>, run: ToolRun): Promise<string>;
}): LoopTool {
  const { name, description, readOnly } = definition;
  const check = (input: unknown) => definition.input.safeParse(input);
  return {
    name,
    description,
    readOnly,
    granted: false,
    schema: z.toJSONSchema(definition.input, { target: 'draft-7', io: 'input' }) as JSONSchema7,
    subject(input) {
      const parsed = check(input);
      return parsed.success ? definition.subject(parsed.data) : null;
    },
    async run(input, run) {
      const parsed = check(input);
      if (!parsed.success) {
        throw new BadInput(`The arguments of ${name} do not fit: ${z.prettifyError(parsed.error)}`);
      }
      return textResult(await definition.run(parsed.data, run));
    },
  };
}
