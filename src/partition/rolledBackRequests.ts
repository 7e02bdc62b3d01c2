/** Handles operator requests for a partition whose journal was rolled back. */
import type { OperatorDesk } from './operatorDesk.ts';
import { answer, type WentBack } from './rolledBackJournal.ts';

/** True if an answer was journaled: the partition must be claimed again. Other requests are left alone. */
export async function answerRequests(wentBack: WentBack, desk: OperatorDesk): Promise<boolean> {
  const { lastRequestId } = wentBack.claim.host.ledger.facts;
  for (const filed of await desk.filedWhileHalted(lastRequestId)) {
    const { request, requestId } = filed;
    if (request?.type !== 'resume' || request.from === null) return false;
    const { from, acceptLoss } = request;
    const refusal = await answer(wentBack, requestId, { from, acceptLoss });
    desk.answered(filed);
    if (refusal === null) {
      desk.accepted(filed);
      return true;
    }
    desk.refused(filed, refusal);
  }
  return false;
}
