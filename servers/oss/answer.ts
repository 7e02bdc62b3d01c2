import type { Segment } from './state/content.ts';
import { writeXml, type XmlContent } from './xml.ts';

/** A range of an object's bytes; the object is the concatenation of the segments. */
export type ContentRange = {
  readonly segments: readonly Segment[];
  readonly startByte: number;
  readonly sizeBytes: number;
};

export type Answer = {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | ContentRange;
};

/** Ends a request with an error in OSS's format. */
export class OssError extends Error {
  override name = 'OssError';
  readonly status: number;
  readonly code: string;
  readonly details: XmlContent;

  constructor(status: number, code: string, message: string, details: XmlContent = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
  }
}

export function xmlAnswer(
  name: string,
  content: XmlContent,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return {
    status: 200,
    headers: { 'Content-Type': 'application/xml', ...headers },
    body: writeXml(name, content),
  };
}

export function errorAnswer(error: OssError, requestId: string, host: string): Answer {
  const { status, code, message, details } = error;
  return {
    status,
    headers: { 'Content-Type': 'application/xml', 'x-oss-ec': code },
    body: writeXml('Error', { Code: code, Message: message, RequestId: requestId, HostId: host, ...details }),
  };
}
