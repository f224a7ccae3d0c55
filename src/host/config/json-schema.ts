/**
 * The JSON Schema of aether.yaml, for editors: completion, hover help, and red lines before anything runs.
 * Made from the schema that validates, so the two cannot differ; published as templates/aether.schema.json.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { EXTENSION, takesExtensions } from './extensions.ts';
import { configSchema } from './schema.ts';
import { templateNames } from './templates.ts';

/** The published file. */
export const schemaFile = fileURLToPath(new URL('../../../templates/aether.schema.json', import.meta.url));

/** Name of the copy in a state directory, which aether.yaml refers to. */
export const SCHEMA_NAME = 'aether.schema.json';

const YOURS = 'Your own: a place for anchors (&name) and notes. Aether ignores it.';

/** @returns the text of the published file, made again. Draft 7: what YAML editors understand everywhere. */
export function makeJsonSchema(): string {
  const schema = z.toJSONSchema(configSchema, {
    target: 'draft-7',
    io: 'input',
    override({ zodSchema, jsonSchema }) {
      // Known at run time only; as suggestions, because a template of one's own is allowed to come.
      if (zodSchema === configSchema.shape.agents.valueType.shape.template.unwrap())
        jsonSchema.examples = templateNames();
      if (takesExtensions(zodSchema))
        jsonSchema.patternProperties = { [EXTENSION.source]: { description: YOURS } };
    },
  });
  return `${JSON.stringify(schema, null, 2)}\n`;
}

/** The published text, as it was packed. */
export function publishedJsonSchema(): string {
  return readFileSync(schemaFile, 'utf8');
}
