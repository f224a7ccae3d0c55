/** Rules of form: small files that say why they exist, small functions, no barrels, SQL in one room. */
import { type ESTree, parseSync, Visitor } from 'vite';

const LINES_MAX = 400;
/** A file that may be longer, and why. */
const LONGER: Record<string, number> = {
  // Each agent pays its start, and each further file costs a millisecond of it.
  'mcp-tools/bridge/main.cts': 490,
};
/** Of a function, from its first line to its last; a component of the console is a page of markup as well. */
const FUNCTION_LINES_MAX = 70;
const COMPONENT_LINES_MAX = 120;
/** Statements as they are written here: upper-case keywords. */
const SQL =
  /^\s*(?:SELECT\s.+\sFROM\s|INSERT\s+(?:OR\s+\w+\s+)?INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|CREATE\s+(?:TABLE|INDEX|VIRTUAL|UNIQUE)\b|PRAGMA\s)/s;
const SQL_WORD = /\b(?:SELECT|INSERT|UPDATE|DELETE|CREATE|PRAGMA)\s/;

/** Cutting at a length that a constant gives in characters or bytes, or a number: lists have constants of other names. */
const RAW_CUT =
  /\.(?:slice|substring|substr)\((?:(?:0, *|-|1 - |at, at \+ )(?:[A-Z_]*(?:CHARS|BYTES)[A-Z_]*|limits\.\w*(?:chars|bytes)_max)|0, *\d\d[\d_]*)\b/g;
/** How often a file cuts so what is ASCII by its form, a list, or only compared. */
const PLAIN_CUTS: Record<string, number> = {
  'console/sockets/terminal-output.ts': 1, // bytes
  'host/errors.ts': 2, // a word that is compared, not shown
  'host/mailboxes/mailboxes.ts': 1, // names
  'host/names.ts': 1, // a name of a-z, 0-9 and -
  'host/config/mask.ts': 1, // a secret as an engine would cut it
  'host/process/cgroup.ts': 1, // a hash
  'host/process/sockets.ts': 1, // a hash
  'host/store/text-traces.ts': 2, // what is searched for
  'host/shown/pieces.ts': 1, // only tested for what is not plain
  'host/shown/shell-list.ts': 2, // only searched for the end of a test
  'host/shim/format.ts': 1, // digits of a file name
};

/** Each fault as one sentence. `file` is relative to src/. */
export function formFaults(file: string, source: string): string[] {
  const faults: string[] = [];
  const lines = source.trimEnd().split('\n').length;
  const most = LONGER[file] ?? LINES_MAX;
  if (lines > most)
    faults.push(`${file}: ${lines} lines, at most ${most}; take something out into a file of its own`);
  const body = source.replace(/^#!.*\n/, '').trimStart();
  if (!body.startsWith('/*') && !body.startsWith('//')) {
    faults.push(`${file}: no comment at the top that says why the file exists`);
  }
  const cuts = source.match(RAW_CUT)?.length ?? 0;
  if (cuts > (PLAIN_CUTS[file] ?? 0)) {
    faults.push(`${file}: cuts text inside a character; host/text.ts has what cuts between them`);
  }
  if (barrel(file, source)) faults.push(`${file}: a barrel; import from the file that has it`);
  const mostLines = file.startsWith('console/web/') ? COMPONENT_LINES_MAX : FUNCTION_LINES_MAX;
  const mayHoldSql = !file.startsWith('host/store/') && SQL_WORD.test(source);
  // The tree costs several times the parsing: only where it can tell more than the text does.
  if (lines <= mostLines && !mayHoldSql) return faults;
  const { functions, strings } = partsOf(source, parseSync(file, source).program);
  for (const { name, lines } of functions)
    if (lines > mostLines)
      faults.push(`${file}: ${name} has ${lines} lines, a function at most ${mostLines}; split it by sense`);
  if (mayHoldSql && strings.some((text) => SQL.test(text))) faults.push(`${file}: SQL outside the store`);
  return faults;
}

/** A file of this name, or one that exports nothing but what others have. */
function barrel(file: string, source: string): boolean {
  if (/(?:^|\/)index\.[cm]?tsx?$/.test(file)) return true;
  if (!/^export\b[^;]*\bfrom\b/m.test(source)) return false;
  const { body } = parseSync(file, source).program;
  return body.every(
    (node) => node.type === 'ExportAllDeclaration' || (node.type === 'ExportNamedDeclaration' && node.source),
  );
}

/** Every function with the name that it is known by: its own, or that of the method or variable that holds it; and texts. */
function partsOf(source: string, program: ESTree.Program) {
  const functions: { name: string; lines: number }[] = [];
  const strings: string[] = [];
  const named = new Map<unknown, string>();
  const text = ({ start, end }: ESTree.Span) => source.slice(start, end);
  const see = (node: ESTree.Function | ESTree.ArrowFunctionExpression) => {
    const own = 'id' in node && node.id ? node.id.name : named.get(node);
    functions.push({ name: own ?? 'a function without a name', lines: text(node).split('\n').length });
  };
  new Visitor({
    VariableDeclarator(node) {
      named.set(node.init, text(node.id));
    },
    MethodDefinition(node) {
      named.set(node.value, text(node.key));
    },
    Property(node) {
      named.set(node.value, text(node.key));
    },
    PropertyDefinition(node) {
      named.set(node.value, text(node.key));
    },
    FunctionDeclaration: see,
    FunctionExpression: see,
    ArrowFunctionExpression: see,
    Literal(node) {
      if (typeof node.value === 'string') strings.push(node.value);
    },
    TemplateLiteral(node) {
      strings.push(node.quasis.map((quasi) => quasi.value.raw).join('?'));
    },
  }).visit(program);
  return { functions, strings };
}
