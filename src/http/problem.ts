/** An answer that is an error: a status, a stable code, and a sentence that says what to do. */
export type ProblemCode = keyof typeof STATUS;

/** The status of each code. */
const STATUS = {
  BAD_REQUEST: 400,
  TOKEN_MISSING: 401,
  TOKEN_WRONG: 403,
  TOKEN_NOT_SET: 403,
  HOST_REFUSED: 403,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  BODY_TOO_LARGE: 413,
  NOT_JSON: 415,
  INTERNAL: 500,
  NOT_YET: 503,
  TOO_MANY_CLIENTS: 503,
} as const;

export class HttpProblem extends Error {
  readonly code: ProblemCode;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ProblemCode, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = 'HttpProblem';
    this.code = code;
    this.headers = headers;
  }

  get status(): number {
    return STATUS[this.code];
  }
}
