/** Types for what the bundler and the wire types use and a browser lacks. */
declare module '*.css';

/** The host's types name it; none that reaches the browser holds one. */
interface Buffer extends Uint8Array {
  toString(encoding?: string): string;
}
