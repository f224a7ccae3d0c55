/**
 * `{{name.path}}` in a recording stands for a part of the result that a step saved under `name`: property
 * names and indexes joined by dots, and `[property=value]` for the first such item of a list.
 */

const PLACEHOLDER = /\{\{\s*([^{}]+?)\s*\}\}/g;

export class MissingValue extends Error {
  readonly path: string;

  constructor(path: string) {
    super(`there is no ${path} in what the tools have answered`);
    this.path = path;
  }
}

/**
 * Fills every string in a value. A string that is one placeholder and nothing else becomes the value itself,
 * whatever its type.
 * @throws MissingValue
 */
export function fill(value: unknown, results: ReadonlyMap<string, unknown>): unknown {
  if (typeof value === 'string') {
    const whole = /^\{\{\s*([^{}]+?)\s*\}\}$/.exec(value);
    if (whole?.[1]) return resolve(whole[1], results);
    return value.replace(PLACEHOLDER, (_all, path: string) => asText(resolve(path, results)));
  }
  if (Array.isArray(value)) return value.map((item) => fill(item, results));
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fill(item, results)]));
  }
  return value;
}

/** The same for text that is read by people. */
export function fillText(text: string, results: ReadonlyMap<string, unknown>): string {
  return asText(fill(text, results));
}

/** @throws MissingValue when any part of the path is not there */
function resolve(path: string, results: ReadonlyMap<string, unknown>): unknown {
  const [name = '', ...rest] = split(path);
  const found = results.has(name) ? lookUp(results.get(name), rest) : undefined;
  if (found === undefined) throw new MissingValue(path);
  return found;
}

/** A part of a result; undefined where it is not there. Text that holds JSON is looked into. */
export function lookUp(result: unknown, path: string | string[]): unknown {
  let value = result;
  for (const key of typeof path === 'string' ? split(path) : path) {
    value = into(typeof value === 'string' ? parsed(value) : value, key);
    if (value === undefined) return undefined;
  }
  return value;
}

function into(value: unknown, key: string): unknown {
  const select = /^\[(\w+)=(.*)\]$/.exec(key);
  if (select && Array.isArray(value)) {
    return value.find((item) => isRecord(item) && String(item[select[1] ?? '']) === select[2]);
  }
  if (Array.isArray(value)) return value.at(Number(key));
  return isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

/** Dots separate, except inside brackets. */
function split(path: string): string[] {
  return path.match(/\[[^\]]*\]|[^.[\]]+/g) ?? [];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value.trimEnd() : JSON.stringify(value);
}
