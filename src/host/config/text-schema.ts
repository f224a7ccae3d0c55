/** Text in aether.yaml. */
import { z } from 'zod';

/** Neither a program's arguments nor its environment nor a path can carry NUL. */
export const text = () =>
  z
    .string()
    .min(1)
    .refine((value) => !value.includes('\0'), 'must not hold a NUL character');

export const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
