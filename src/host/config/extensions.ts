/**
 * Keys that begin with `x-` are the user's own, as in compose files: places for anchors and notes. They may stand
 * beside any key, are parsed as YAML, and are not used. In `agents` and `env` every name is the user's, so there they
 * are ordinary names.
 */
import { z } from 'zod';

export const EXTENSION = /^x-/;

/** The same value without them, wherever the schema lists the keys there are. */
export function withoutExtensions(value: unknown, schema: z.core.$ZodType): unknown {
  const branches = branchesOf(schema);
  if (Array.isArray(value)) {
    const list = branches.find((branch) => branch instanceof z.ZodArray);
    return list === undefined ? value : value.map((item) => withoutExtensions(item, list.element));
  }
  if (typeof value !== 'object' || value === null) return value;
  const mapping = branches.find(takesExtensions);
  const names = branches.find((branch) => branch instanceof z.ZodRecord);
  const kept = Object.entries(value).filter(([key]) => mapping === undefined || !EXTENSION.test(key));
  return Object.fromEntries(
    kept.map(([key, item]) => {
      const known = mapping !== undefined && Object.hasOwn(mapping.shape, key);
      const below = known ? mapping.shape[key] : names?.valueType;
      return [key, below === undefined ? item : withoutExtensions(item, below)];
    }),
  );
}

/** Where exactly one key may stand, none of the user's own is beside it. */
export function takesExtensions(schema: z.core.$ZodType): schema is z.ZodObject {
  return schema instanceof z.ZodObject && z.globalRegistry.get(schema)?.maxProperties === undefined;
}

function branchesOf(schema: z.core.$ZodType): z.core.$ZodType[] {
  if (schema instanceof z.ZodOptional) return branchesOf(schema.unwrap());
  return schema instanceof z.ZodUnion ? schema.options.flatMap(branchesOf) : [schema];
}
