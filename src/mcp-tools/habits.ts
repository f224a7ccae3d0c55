/**
 * Arguments as clients write them: some serialise a missing field as `null`, and write a list, a number or a boolean as
 * JSON text. Both are accepted where the meaning is certain: `null` where a field is optional, JSON text where the
 * schema allows that one type and no text.
 */
interface Schema {
  type?: unknown;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
}

const IS: Record<string, (value: unknown) => boolean> = {
  array: Array.isArray,
  object: isFields,
  boolean: (value) => typeof value === 'boolean',
  number: (value) => typeof value === 'number',
  integer: Number.isInteger,
};

/** @returns the arguments as the client meant them; what is wrong stays as it is, for the schema to refuse. */
export function asMeant(args: unknown, schema: object): unknown {
  return meant(args, schema as Schema);
}

function meant(given: unknown, schema: Schema): unknown {
  const value = typeof given === 'string' ? fromText(given, schema.type) : given;
  const { properties, items } = schema;
  if (Array.isArray(value)) return items === undefined ? value : value.map((item) => meant(item, items));
  if (!isFields(value) || properties === undefined) return value;
  const fields: Record<string, unknown> = {};
  for (const [key, one] of Object.entries(value)) {
    const known = Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (one === null && known !== undefined && !schema.required?.includes(key)) continue;
    // Not by assignment: a member called __proto__ stays a member, which the schema refuses.
    const kept = known === undefined ? one : meant(one, known);
    Object.defineProperty(fields, key, { value: kept, enumerable: true, writable: true, configurable: true });
  }
  return fields;
}

function fromText(text: string, type: unknown): unknown {
  const fits = typeof type === 'string' && Object.hasOwn(IS, type) ? IS[type] : undefined;
  if (fits === undefined) return text;
  try {
    const value: unknown = JSON.parse(text);
    return fits(value) ? value : text;
  } catch {
    return text;
  }
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
