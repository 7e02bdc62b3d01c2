/** What a supervisor and its processes tell each other, through the channel that Node makes for them. */

/** Of a process. */
export type ProcessMessage =
  /** Its HTTP interface listens on this port of loopback. */
  | { readonly type: 'listening'; readonly port: number }
  /** It ends with an error of this code. */
  | { readonly type: 'failed'; readonly code: string };

/** Of the supervisor: to end as after a first signal. It may come twice, and beside a signal. */
export interface StopMessage {
  readonly type: 'stop';
}

/** The variable that holds the token of a process's HTTP interface. */
export const TOKEN_VARIABLE = 'TIDEMARK_PROCESS_TOKEN';

export function isProcessMessage(message: unknown): message is ProcessMessage {
  if (typeof message !== 'object' || message === null) return false;
  const { type, port, code } = message as Record<string, unknown>;
  return (type === 'listening' && Number.isInteger(port)) || (type === 'failed' && typeof code === 'string');
}

export function isStopMessage(message: unknown): message is StopMessage {
  return typeof message === 'object' && message !== null && 'type' in message && message.type === 'stop';
}
