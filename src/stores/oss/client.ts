/**
 * The requests of the OSS store: signed, within time limits, and repeated where that is safe. Fails with
 * Refusal, Unanswered or BadAnswer; the store decides what these mean for a file.
 */
import type { Pacer } from '../../../journal/port.ts';
import type { OssCredentials } from '../alibaba/credentials.ts';
import type { OssAddress } from '../alibaba/path.ts';
import { BadAnswer, refusalOf, Refusal, Unanswered } from './errors.ts';
import { signed } from './signing.ts';
import { Transport, type Answer, type OutgoingRequest, type StreamedAnswer } from './transport.ts';

const ANSWER_MS = 20_000;
/** Of one call, retries included. */
const ATTEMPTS_MAX = 5;
const RETRY_PAUSE_MS = 200;
const RETRY_PAUSE_MS_MAX = 5_000;

export interface OssClientOptions {
  readonly ossBucket: string;
  /** Like `cn-hangzhou`. */
  readonly region: string;
  readonly address: OssAddress;
  /** Asked for each request: they may be temporary. */
  readonly keys: () => Promise<OssCredentials>;
  readonly pacer: Pacer;
  /** From 0 to 1: spreads the retries of many. */
  readonly random?: () => number;
  readonly wallMs?: () => number;
  /** What an answer may take, besides its request's body. */
  readonly answerMs?: number;
}

export type OssRequest = Partial<OutgoingRequest> & Pick<OutgoingRequest, 'method' | 'key'>;

/**
 * Whether a request may be repeated: always, since its effect is the same (`identical`); or only where the
 * service cannot have carried it out (`unsent`).
 */
export type Repeats = 'identical' | 'unsent';

export class OssClient {
  readonly #options: OssClientOptions;
  readonly #transport: Transport;

  constructor(options: OssClientOptions) {
    this.#options = options;
    this.#transport = new Transport(options.address, options.ossBucket);
  }

  get pacer(): Pacer {
    return this.#options.pacer;
  }

  /**
   * @param check throws BadAnswer for an answer that cannot be right: the request is repeated.
   * @param isWanted asked before a repetition; if not, the call fails as it did.
   */
  call(
    request: OssRequest,
    repeats: Repeats,
    check?: (answer: Answer) => void,
    isWanted?: () => boolean,
  ): Promise<Answer> {
    const attempt = async (): Promise<Answer> => {
      const answer = await this.#transport.send(await this.#signing(request));
      if (answer.status >= 300) throw refusalOf(answer.status, answer.headers, answer.text);
      check?.(answer);
      return answer;
    };
    return this.#repeating(repeats, attempt, isWanted);
  }

  /** A body that is read as it arrives; the caller reads or destroys it. */
  stream(
    request: OssRequest,
  ): Promise<StreamedAnswer & { readonly stream: NonNullable<StreamedAnswer['stream']> }> {
    return this.#repeating('identical', async () => {
      const answer = await this.#transport.stream(await this.#signing(request));
      if (answer.stream === null) throw refusalOf(answer.status, answer.headers, answer.text);
      return { ...answer, stream: answer.stream };
    });
  }

  close(): void {
    this.#transport.close();
  }

  async #repeating<T>(
    repeats: Repeats,
    attempt: () => Promise<T>,
    isWanted: () => boolean = () => true,
  ): Promise<T> {
    const { pacer, random = Math.random } = this.#options;
    for (let failures = 1; ; failures += 1) {
      try {
        return await attempt();
      } catch (error) {
        if (failures === ATTEMPTS_MAX || !mayRepeat(error, repeats) || !isWanted()) throw error;
        const longestMs = Math.min(RETRY_PAUSE_MS_MAX, RETRY_PAUSE_MS * 2 ** (failures - 1));
        await pacer.pause(longestMs * (0.5 + random() / 2));
        if (!isWanted()) throw error;
      }
    }
  }

  /** Signs the request when its turn has come: OSS refuses a signature that is 15 minutes old. */
  async #signing(request: OssRequest): Promise<() => OutgoingRequest> {
    const { region, ossBucket, keys, wallMs = Date.now, answerMs = ANSWER_MS } = this.#options;
    const whole = { query: {}, headers: {}, body: [], answerMs, ...request };
    const credentials = await keys();
    return () => {
      const headers = signed({ ...whole, region, ossBucket, wallMs: wallMs() }, credentials);
      return { ...whole, headers };
    };
  }
}

function mayRepeat(error: unknown, repeats: Repeats): boolean {
  if (error instanceof Refusal) return error.isTemporary && (repeats === 'identical' || error.status < 500);
  if (error instanceof Unanswered) return repeats === 'identical' || !error.mayHaveArrived;
  return error instanceof BadAnswer && repeats === 'identical';
}
