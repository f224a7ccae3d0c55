// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${NAME} is the syntax of the file, not of JavaScript.
/** `${NAME}` in the values of `env`. Only that form: no default values, no commands; `$${` is a plain `${`. */
import type { Environment } from '../../runtimes/definition.ts';
import { VARIABLE_NAME } from './text-schema.ts';

/** A variable by a name from the file, which may be `constructor`. */
export function lookUp(environment: Environment, name: string): string | undefined {
  return Object.hasOwn(environment, name) ? environment[name] : undefined;
}

export type Part = { text: string } | { variable: string };

/** @returns the parts in order, or why the value cannot be read (never quoting it). */
export function parseValue(value: string): Part[] | { fault: string } {
  const parts: Part[] = [];
  let text = '';
  for (let i = 0; i < value.length; ) {
    if (value.startsWith('$${', i)) {
      text += '${';
      i += 3;
    } else if (value.startsWith('${', i)) {
      const end = value.indexOf('}', i);
      if (end === -1) return { fault: 'a ${ is not closed with }' };
      const name = value.slice(i + 2, end);
      const ofEditors = /^env:([A-Za-z_]\w*)$/.exec(name);
      if (ofEditors !== null)
        return { fault: `\${${name}} is a form of editors; here that variable is \${${ofEditors[1]}}` };
      if (!VARIABLE_NAME.test(name))
        return {
          fault: `between \${ and } there is something other than a variable’s name${/:?[-=?+]/.test(name) ? ' (default values are not supported)' : ''}`,
        };
      if (text !== '') parts.push({ text });
      text = '';
      parts.push({ variable: name });
      i = end + 1;
    } else {
      text += value[i];
      i++;
    }
  }
  if (text !== '') parts.push({ text });
  return parts;
}

/** Names of the variables a value refers to. */
export function variablesOf(value: string): string[] {
  const parts = parseValue(value);
  return Array.isArray(parts) ? parts.flatMap((part) => ('variable' in part ? [part.variable] : [])) : [];
}
