/** What the loop talks to: a model object of the library, not the name of one. */
import type { LanguageModel } from 'ai';

export type Model = Exclude<LanguageModel, string>;
