/** The YAML package's complaints in the words of the file, and the bounds it does not set itself. */
import { type Document, Lexer, type LineCounter, visit, type YAMLError } from 'yaml';
import { limits } from '../limits.ts';
import { cutText } from '../text.ts';

/** Fills `lines` and finds what would make the parser slow: the lexer is linear. */
export function measure(text: string, lines: LineCounter): { offset: number; what: string } | null {
  for (let i = text.indexOf('\n'); i !== -1; i = text.indexOf('\n', i + 1)) lines.addNewLine(i + 1);
  let offset = 0;
  let depth = 0;
  let tokens = 0;
  for (const lexeme of new Lexer().lex(text)) {
    if (lexeme === '[' || lexeme === '{') depth++;
    else if (lexeme === ']' || lexeme === '}') depth--;
    if (depth > limits.config_depth_max)
      return { offset, what: `Brackets are nested more than ${limits.config_depth_max} deep here.` };
    if (++tokens > limits.config_tokens_max)
      return { offset, what: `This file has more than ${limits.config_tokens_max} YAML tokens.` };
    // The lexer's own marks (start of document, of a scalar, of an error) are not part of the text.
    if (lexeme !== '\u{2}' && lexeme !== '\u{18}' && lexeme !== '\u{1f}') offset += lexeme.length;
  }
  return null;
}

/** Text that is no YAML, or YAML beyond what is read: where, what, and how to correct it. */
export interface SyntaxFault {
  offset: number;
  message: string;
  next: string;
}

/** Quotes no more of the text than a few words. */
export function explainSyntax(fault: YAMLError, document: Document.Parsed): SyntaxFault {
  const offset = fault.pos[0];
  switch (fault.code) {
    case 'TAB_AS_INDENT':
      return {
        offset,
        message: 'A tab is used as indentation, which YAML does not allow.',
        next: 'Indent with spaces.',
      };
    case 'BAD_INDENT':
      return /flow/i.test(fault.message)
        ? {
            offset,
            message: 'A [ or { that was opened before this point is not closed.',
            next: 'Close it, or indent what belongs to it.',
          }
        : {
            offset,
            message: 'This line is not indented like its neighbours.',
            next: 'Give keys that belong together the same number of leading spaces.',
          };
    case 'MULTIPLE_DOCS':
      return {
        offset,
        message: 'A second YAML document begins here.',
        next: 'Remove the `---` line: one file describes one fleet.',
      };
    case 'BLOCK_AS_IMPLICIT_KEY':
      return {
        offset,
        message: 'This value holds a ": " and is read as another mapping.',
        next: 'Put the whole value in quotes, or write it below `|`.',
      };
    case 'MISSING_CHAR': {
      if (!/quote/.test(fault.message)) break;
      // Reported where the file ends; what helps is where the text began.
      let start = offset;
      visit(document, {
        Scalar(_, node) {
          if (node.type?.startsWith('QUOTE') && node.range && node.range[0] <= offset) start = node.range[0];
        },
      });
      return {
        offset: start,
        message: 'The quoted text that begins here is not closed.',
        next: 'Add the closing quote.',
      };
    }
    case 'NON_STRING_KEY':
      return { offset, message: 'A key must be plain text.', next: 'Write `name: value`.' };
    case 'TAG_RESOLVE_FAILED':
      return {
        offset,
        message: 'YAML tags (words that begin with !) are not used here.',
        next: 'Put the value in quotes.',
      };
    case 'RESOURCE_EXHAUSTION':
      return { offset, message: 'This is nested too deeply.', next: 'Write the fleet out plainly.' };
    default:
  }
  return {
    offset,
    message: `This is not valid YAML: ${cutText(fault.message.split('\n')[0]!, { chars_max: 160 })}.`,
    next: 'Correct the line; `aether plan` checks the file without starting anything.',
  };
}
