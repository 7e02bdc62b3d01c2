import { z } from 'zod';

/** A number of things in a schedule: 1 at least. */
export const many = z.number().int().min(1).max(1_000_000_000);
