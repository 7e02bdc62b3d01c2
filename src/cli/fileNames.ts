/** A file below the sink by its path from there, any other by its URI. The URIs of a sink are not encoded. */
export function nameBelowSink(uri: string, sinkUri: string): string {
  return uri.startsWith(`${sinkUri}/`) ? uri.slice(sinkUri.length + 1) : uri;
}
