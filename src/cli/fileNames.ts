import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** A file below the sink by its path from there, any other by its URI. */
export function nameBelowSink(uri: string, sinkUri: string): string {
  if (!uri.startsWith('file:') || !uri.startsWith(`${sinkUri}/`)) return uri;
  return path.relative(fileURLToPath(sinkUri), fileURLToPath(uri));
}
