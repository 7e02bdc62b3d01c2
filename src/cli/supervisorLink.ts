/** The supervisor that has started this process (`run --processes`), through the channel that Node made. */
import { isStopMessage, type ProcessMessage } from '../supervisor/messages.ts';

export interface SupervisorLink {
  /** Resolves when it is handed over, or when there is nobody to hand it to. */
  tell(message: ProcessMessage): Promise<void>;
  /**
   * Calls back when the supervisor asks for the end, or is gone, until the returned function is called.
   */
  onStop(listener: (why: string) => void): () => void;
}

/** The channel keeps no process alive. */
export function supervisorLink(): SupervisorLink {
  return {
    tell: (message) =>
      new Promise((resolve) => {
        if (process.send === undefined || !process.connected) resolve();
        else process.send(message, undefined, {}, () => resolve());
      }),
    onStop(listener) {
      const onMessage = (message: unknown): void => {
        if (isStopMessage(message)) listener('the supervisor asks for it');
      };
      const onGone = (): void => listener('the supervisor is gone');
      process.on('message', onMessage).on('disconnect', onGone);
      process.channel?.unref();
      if (!process.connected) onGone();
      return () => {
        process.off('message', onMessage).off('disconnect', onGone);
      };
    },
  };
}
