/**
 * The words of a shell command, as POSIX shells and bash read them: quotes, escapes, expansions, and the commands that
 * stand inside a word ($(…), backticks, <(…)). A word knows its value where that does not depend on a run.
 */

/** A command list inside a word: where its text stands, and in what. */
export interface Inner {
  within: string;
  /** What runs, with the escapes of backticks removed. */
  text: string;
}

export interface Word {
  start: number;
  end: number;
  /** After quotes and escapes; null where it depends on a variable, a pattern or another command. */
  value: string | null;
  /** A quote or an escape stands in it. */
  quoted: boolean;
  inner: Inner[];
}

/** Something that was not closed, or not understood; the rest may be read otherwise. */
type Unsure = (what: string) => void;

const ENDS = new Set([' ', '\t', '\n', ';', '&', '|', '(', ')', '<', '>']);
/** `a=(…)`, `@(…)`, `x!(…)`: the parenthesis belongs to the word. */
const PARENTHESISED = /^(?:[A-Za-z_]\w*\+?=|.*[?*+@]|.+!)$/s;
/** More deeply nested text is not taken apart. */
const DEPTH_MAX = 50;
const ANSI: Record<string, string> = {
  ...{ n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', e: '\x1b', E: '\x1b', f: '\f', v: '\v' },
  ...{ '\\': '\\', "'": "'", '"': '"', '?': '?' },
};

/** Reads one word; `at` goes on behind it. */
export class WordReader {
  readonly source: string;
  readonly #unsure: Unsure;
  at = 0;
  #value = '';
  #known = true;
  #quoted = false;
  #inner: Inner[] = [];
  #depth: number;

  constructor(source: string, unsure: Unsure, depth = 0) {
    this.source = source;
    this.#unsure = unsure;
    this.#depth = depth;
  }

  /** From `at`, which is at no blank and no operator. */
  word(): Word {
    const start = this.at;
    this.#value = '';
    this.#known = true;
    this.#quoted = false;
    this.#inner = [];
    for (let char = this.source[this.at]; char !== undefined; char = this.source[this.at]) {
      if ((char === '<' || char === '>') && this.source[this.at + 1] === '(') {
        this.at += 2;
        this.#substitution(`${char}(…)`);
      } else if (char === '(' && PARENTHESISED.test(this.source.slice(start, this.at))) this.#parenthesised();
      else if (ENDS.has(char)) break;
      else this.#part(char);
    }
    return {
      ...{ start, end: this.at, quoted: this.#quoted, inner: this.#inner },
      value: this.#known ? this.#value : null,
    };
  }

  /** The commands in text that is expanded and not read as words: a here-document, arithmetic. */
  static expansions(text: string, unsure: Unsure, depth = 0): Inner[] {
    const reader = new WordReader(text, unsure, depth);
    while (reader.at < text.length) {
      const char = text[reader.at]!;
      if (char === '\\') reader.at += 2;
      else if (char === '$' || char === '`') reader.#part(char);
      else reader.at += 1;
    }
    return reader.#inner;
  }

  #part(char: string): void {
    switch (char) {
      case '\\': {
        const next = this.source[this.at + 1];
        if (next !== '\n') this.#value += next ?? '';
        this.#quoted ||= next !== '\n';
        this.at += 2;
        return;
      }
      case "'":
        this.#single();
        return;
      case '"':
        this.at += 1;
        this.#double();
        return;
      case '`':
        this.#backticks();
        return;
      case '$':
        this.#dollar(false);
        return;
      default:
        // A pattern or a list of words: what it becomes depends on the files there are.
        if ('“”‘’„'.includes(char))
          this.#unsure(`${char} is not a quote to a shell: the text in it is read like the rest`);
        if (char === '*' || char === '?' || (char === ']' && this.#value.includes('['))) this.#known = false;
        if (char === '{' && /^\{[^\s{}]*(?:,|\.\.)[^\s{}]*\}/.test(this.source.slice(this.at, this.at + 200)))
          this.#known = false;
        this.#value += char;
        this.at += 1;
    }
  }

  #single(): void {
    const end = this.source.indexOf("'", this.at + 1);
    if (end < 0) this.#unsure("a ' is not closed");
    this.#value += this.source.slice(this.at + 1, end < 0 ? undefined : end);
    this.#quoted = true;
    this.at = end < 0 ? this.source.length : end + 1;
  }

  #double(): void {
    this.#quoted = true;
    for (let char = this.source[this.at]; char !== undefined; char = this.source[this.at]) {
      if (char === '"') {
        this.at += 1;
        return;
      }
      if (char === '\\') {
        const next = this.source[this.at + 1] ?? '';
        this.#value += next === '\n' ? '' : '$`"\\'.includes(next) ? next : `\\${next}`;
        this.at += 2;
      } else if (char === '`') this.#backticks();
      else if (char === '$') this.#dollar(true);
      else {
        this.#value += char;
        this.at += 1;
      }
    }
    this.#unsure('a " is not closed');
  }

  #backticks(): void {
    let text = '';
    let at = this.at + 1;
    for (; at < this.source.length && this.source[at] !== '`'; at += 1) {
      if (this.source[at] === '\\' && '$`\\'.includes(this.source[at + 1] ?? '')) at += 1;
      text += this.source[at] ?? '';
    }
    if (at >= this.source.length) this.#unsure('a ` is not closed');
    this.#inner.push({ within: '`…`', text });
    this.#known = false;
    this.at = at + 1;
  }

  #dollar(inQuotes: boolean): void {
    if (this.#depth >= DEPTH_MAX) {
      this.#unsure('it is nested too deeply');
      this.#known = false;
      this.at = this.source.length;
      return;
    }
    this.#depth += 1;
    this.#expansion(inQuotes);
    this.#depth -= 1;
  }

  #expansion(inQuotes: boolean): void {
    const next = this.source[this.at + 1];
    if (next === '(') {
      const arithmetic = this.source[this.at + 2] === '(';
      this.at += 2;
      this.#substitution(arithmetic ? '$((…))' : '$(…)');
    } else if (next === '{') {
      this.at += 2;
      this.#braces(inQuotes);
    } else if (next === "'" && !inQuotes) this.#ansi();
    else if (next === '"' && !inQuotes) {
      this.at += 2;
      this.#double();
    } else {
      const name = /^\$(?:[A-Za-z_]\w*|[0-9@*#?$!-])/.exec(this.source.slice(this.at, this.at + 256));
      if (name) this.#known = false;
      else this.#value += '$';
      this.at += name?.[0].length ?? 1;
    }
  }

  /** `$'…'`, in which \x72 is a letter. */
  #ansi(): void {
    this.#quoted = true;
    this.at += 2;
    for (let char = this.source[this.at]; char !== undefined; char = this.source[this.at]) {
      if (char === "'") {
        this.at += 1;
        return;
      }
      if (char !== '\\') {
        this.#value += char;
        this.at += 1;
        continue;
      }
      const code = /^\\(?:x([0-9a-f]{1,2})|u([0-9a-f]{1,4})|U([0-9a-f]{1,8})|([0-7]{1,3})|c(.))/is.exec(
        this.source.slice(this.at, this.at + 12),
      );
      if (code === null) {
        const next = this.source[this.at + 1] ?? '';
        this.#value += ANSI[next] ?? `\\${next}`;
        this.at += 2;
        continue;
      }
      const [whole, ...digits] = code;
      const [x, u, big, octal, control] = digits;
      const hex = x ?? u ?? big;
      const number =
        hex !== undefined
          ? Number.parseInt(hex, 16)
          : octal !== undefined
            ? Number.parseInt(octal, 8) & 0xff
            : control!.charCodeAt(0) & 0x1f;
      this.#value += number <= 0x10ffff ? String.fromCodePoint(number) : '\ufffd';
      this.at += whole.length;
    }
    this.#unsure("a $' is not closed");
  }

  /** Behind `$(`, `$((`, `<(`: to the parenthesis that closes, past quotes and parentheses of its own. */
  #substitution(within: string): void {
    const start = this.at;
    const end = closing(this.source, start);
    if (end < 0) this.#unsure(`a ${within.slice(0, within.indexOf('…'))} is not closed`);
    const text = this.source.slice(start, end < 0 ? undefined : end);
    if (within === '$((…))') this.#inner.push(...WordReader.expansions(text, this.#unsure, this.#depth));
    else this.#inner.push({ within, text });
    this.#known = false;
    this.at = end < 0 ? this.source.length : end + 1;
  }

  /** Behind `${`. */
  #braces(inQuotes: boolean): void {
    this.#known = false;
    for (let char = this.source[this.at]; char !== undefined; char = this.source[this.at]) {
      if (char === '}') {
        this.at += 1;
        return;
      }
      if (char === '\\') this.at += 2;
      else if (char === "'" && !inQuotes) this.#single();
      else if (char === '"') {
        this.at += 1;
        this.#double();
      } else if (char === '`') this.#backticks();
      else if (char === '$') this.#dollar(inQuotes);
      else this.at += 1;
    }
    this.#unsure('a ${ is not closed');
  }

  /** A list of values `a=(…)` or a pattern `@(…)`: words inside, and commands inside these. */
  #parenthesised(): void {
    const end = closing(this.source, this.at + 1);
    if (end < 0) this.#unsure('a ( is not closed');
    const text = this.source.slice(this.at + 1, end < 0 ? undefined : end);
    this.#inner.push(...WordReader.expansions(text, this.#unsure, this.#depth));
    this.#known = false;
    this.at = end < 0 ? this.source.length : end + 1;
  }
}

/** Where the parenthesis closes that was opened before `from`, or -1. Not where it stands in a quote or a comment. */
export function closing(source: string, from: number, nested = 0): number {
  if (nested > DEPTH_MAX) return -1;
  let depth = 1;
  let cases = 0;
  for (let at = from; at < source.length; at += 1) {
    const char = source[at]!;
    if (char === '\\') at += 1;
    else if (char === "'" || char === '`') {
      const end = char === "'" ? source.indexOf("'", at + 1) : backtick(source, at + 1);
      if (end < 0) return -1;
      at = end;
    } else if (char === '"') {
      at = quoteEnd(source, at + 1, nested + 1);
      if (at < 0) return -1;
    } else if (char === '#' && /[\s;&|(]/.test(source[at - 1] ?? ' ')) {
      const end = source.indexOf('\n', at);
      if (end < 0) return -1;
      at = end;
    } else if (char === '(') depth += 1;
    else if (char === ')') {
      // Of a pattern of `case`, which nothing opened.
      if (depth === 1 && cases > 0) continue;
      depth -= 1;
      if (depth === 0) return at;
    } else if (/[ce]/.test(char) && /[\s;&|(]/.test(source[at - 1] ?? ' ')) {
      if (/^case\s/.test(source.slice(at, at + 5))) cases += 1;
      else if (cases > 0 && /^esac(?:[\s;&|)]|$)/.test(source.slice(at, at + 5))) cases -= 1;
    }
  }
  return -1;
}

function backtick(source: string, from: number): number {
  for (let at = from; at < source.length; at += 1) {
    if (source[at] === '\\') at += 1;
    else if (source[at] === '`') return at;
  }
  return -1;
}

/** The quote that closes a double-quoted text, past the commands in it. */
function quoteEnd(source: string, from: number, nested: number): number {
  for (let at = from; at < source.length; at += 1) {
    const char = source[at]!;
    if (char === '\\') at += 1;
    else if (char === '"') return at;
    else if (char === '`' || (char === '$' && source[at + 1] === '(')) {
      at = char === '`' ? backtick(source, at + 1) : closing(source, at + 2, nested);
      if (at < 0) return -1;
    }
  }
  return -1;
}
