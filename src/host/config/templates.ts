/**
 * Templates: a prompt with the grants, permissions and limits that suit it. One directory each, templates/NAME
 * with template.yaml and prompt.md, beside the package's code.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { AetherError, nearest } from '../errors.ts';
import { cutText } from '../text.ts';
import { explainIssues } from './explain.ts';
import { deepFreeze } from './freeze.ts';
import { readSource } from './parse.ts';
import { configError } from './problems.ts';
import { readConfigText } from './read.ts';
import { RUNTIME_NAMES } from './runtime-keys.ts';
import { limitsSchema, permissionsSchema, restartSchema, toolsSchema } from './schema.ts';

const templateSchema = z.strictObject({
  description: z.string().min(1),
  tools: toolsSchema.optional(),
  permissions: permissionsSchema.optional(),
  limits: limitsSchema.optional(),
  restart: restartSchema.optional(),
  // Engines name their tools differently, and one warns of names that it takes for misspelt ones of its own.
  per_runtime: z
    .partialRecord(z.enum(RUNTIME_NAMES), z.strictObject({ permissions: permissionsSchema }))
    .optional(),
});

export interface Template extends z.infer<typeof templateSchema> {
  name: string;
  /** prompt.md */
  role: string;
}

/** The same three steps up from src/host/config and from dist/host/config. */
export const templatesDirectory = fileURLToPath(new URL('../../../templates/', import.meta.url));

/** Names of the templates there are, sorted. */
export function templateNames(directory = templatesDirectory): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(directory, entry.name, 'template.yaml')))
    .map((entry) => entry.name)
    .sort();
}

/**
 * @throws AetherError config.unknown-template with the nearest name; config.* when the template itself is broken
 */
export function loadTemplate(name: string, directory = templatesDirectory): Readonly<Template> {
  const names = templateNames(directory);
  if (!names.includes(name)) {
    const near = nearest(name, names)[0];
    throw new AetherError({
      code: 'config.unknown-template',
      who: 'config',
      message: `There is no template ${JSON.stringify(cutText(name, { chars_max: 60 }))}${near ? `; the nearest is "${near}"` : ''}.`,
      next: `Use one of ${names.join(', ')}, or write \`role:\` yourself.`,
    });
  }
  const source = readSource(join(directory, name, 'template.yaml'));
  const parsed = templateSchema.safeParse(source.value);
  if (!parsed.success)
    throw configError(
      source.file,
      explainIssues(parsed.error.issues, source, templateSchema).map(source.locate),
    );
  const role = readConfigText(join(directory, name, 'prompt.md')).trim();
  return deepFreeze({ ...parsed.data, name, role });
}
