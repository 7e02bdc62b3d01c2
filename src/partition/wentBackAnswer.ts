/** Takes up what operators ask of a partition whose journal went back. */
import type { OperatorDesk } from './operatorDesk.ts';
import { answer, type WentBack } from './wentBack.ts';

/** True where an answer was journaled: the partition is to be claimed again. Other requests are left to who reads them. */
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
