import OSS from 'ali-oss';
import { signatureV1, stringToSignV1 } from '../../../servers/oss/auth/signatureV1.ts';
import type { Credential } from '../../../servers/oss/auth/credentials.ts';
import { TEST_CREDENTIAL } from '../../../servers/oss/server.ts';
import {
  childOf,
  parseXml,
  textOf,
  writeXml,
  type XmlContent,
  type XmlElement,
} from '../../../servers/oss/xml.ts';

export type ClientOptions = {
  readonly credential?: Credential;
  readonly v4?: boolean;
  readonly bucket?: string;
};

/** ali-oss, pointed at the server. */
export function aliOss(
  address: string,
  { credential = TEST_CREDENTIAL, v4 = false, bucket = 'lake' }: ClientOptions = {},
): OSS {
  const { accessKeyId, accessKeySecret, securityToken: stsToken } = credential;
  const keys = { accessKeyId, accessKeySecret, ...(stsToken === undefined ? {} : { stsToken }) };
  const options = {
    ...keys,
    // Never called; without it ali-oss warns of every token.
    refreshSTSToken: () => Promise.resolve(keys),
    endpoint: `http://localhost:${address.split(':')[1] ?? ''}`,
    sldEnable: true,
    bucket,
    region: 'oss-cn-test',
    authorizationV4: v4,
  };
  return new OSS(options as OSS.Options);
}

/** OSS's code of an error, or what there was instead of one. */
export async function codeOf(call: Promise<unknown>): Promise<unknown> {
  try {
    return { answered: await call };
  } catch (error) {
    return (error as { code?: unknown }).code ?? error;
  }
}

export type SignedFetchOptions = {
  readonly body?: string | ReadableStream;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
};

/** A signed request without any client's help. */
export async function signedFetch(
  address: string,
  method: string,
  target: string,
  options: SignedFetchOptions = {},
): Promise<Response> {
  const url = new URL(target, `http://${address}`);
  const date = new Date().toUTCString();
  const [, bucket = '', ...key] = decodeURIComponent(url.pathname).split('/');
  const headers = { 'content-type': 'text/plain', ...options.headers };
  const stringToSign = stringToSignV1(
    { method, bucket, key: key.join('/'), query: new Map(url.searchParams), headers },
    date,
  );
  const signature = signatureV1(TEST_CREDENTIAL.accessKeySecret, stringToSign);
  const authorization = `OSS ${TEST_CREDENTIAL.accessKeyId}:${signature}`;
  const { body = null, signal = null } = options;
  return fetch(url, { method, body, signal, headers: { ...headers, date, authorization }, duplex: 'half' });
}

/** An answer of OSS-HDFS: its document, or its error code. */
export type DfsAnswer = { readonly errCode: number | null; readonly response: XmlElement };

/** The protocol of OSS-HDFS, request by request, as one client. */
export class DfsClient {
  readonly #address: string;
  readonly clientName: string;

  constructor(address: string, clientName: string) {
    this.#address = address;
    this.clientName = clientName;
  }

  async ask(requestType: string, parameters: XmlContent): Promise<DfsAnswer> {
    const body = writeXml('request', {
      requestType,
      user: 'tester',
      parameters: { ...parameters, clientName: this.clientName },
    });
    const answer = await signedFetch(this.#address, 'POST', '/lake/?dfs', { body });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${requestType}: ${answer.status} ${text}`);
    const response = parseXml(text);
    const errCode = textOf(response, 'errCode');
    return { errCode: errCode === undefined ? null : Number(errCode), response };
  }

  /** The error code, or null. */
  async codeOf(requestType: string, parameters: XmlContent): Promise<number | null> {
    return (await this.ask(requestType, parameters)).errCode;
  }

  async flag(requestType: string, parameters: XmlContent, name = 'result'): Promise<boolean> {
    const { errCode, response } = await this.ask(requestType, parameters);
    if (errCode !== null) throw new Error(`${requestType}: ${String(errCode)}`);
    return textOf(response, name) === 'true';
  }

  /** A new file that is being written. */
  async create(path: string, flag = 1): Promise<OpenFile> {
    const { errCode, response } = await this.ask('createFile', {
      path: encodeURIComponent(path),
      flag,
      createParent: true,
    });
    if (errCode !== null) throw new Error(`createFile: ${String(errCode)}`);
    return new OpenFile(this.#address, this, path, Number(textOf(childOf(response, 'status'), 'fileId')));
  }

  async lengthOf(path: string): Promise<number> {
    const { response } = await this.ask('getFileInfo', { path: encodeURIComponent(path) });
    return Number(textOf(childOf(response, 'status'), 'length'));
  }
}

/** A file that one client writes, block by block. */
export class OpenFile {
  readonly #address: string;
  readonly #client: DfsClient;
  readonly path: string;
  readonly fileId: number;
  #last: { blockId: number; generationStamp: number; numBytes: number } | null = null;

  constructor(address: string, client: DfsClient, path: string, fileId: number) {
    this.#address = address;
    this.#client = client;
    this.path = path;
    this.fileId = fileId;
  }

  /** As the client tells it to the server; nothing before the first one. */
  get lastBlock(): XmlContent | undefined {
    return this.#last ?? undefined;
  }

  get parameters(): XmlContent {
    return { path: encodeURIComponent(this.path), fileId: this.fileId };
  }

  /** One block with this text, flushed. The error code of the first step that is refused, or null. */
  async write(text: string): Promise<number | null> {
    const added = await this.#client.ask('addBlock', {
      ...this.parameters,
      previous: this.lastBlock,
    });
    if (added.errCode !== null) return added.errCode;
    const block = childOf(added.response, 'extendedBlock');
    this.#last = {
      blockId: Number(textOf(block, 'blockId')),
      generationStamp: Number(textOf(block, 'generationStamp')),
      numBytes: text.length,
    };
    await this.put(text);
    return this.#client.codeOf('fsyncFile', { ...this.parameters, lastBlockLength: text.length });
  }

  /** The data of the last block, without telling the namespace. */
  async put(text: string): Promise<void> {
    await signedFetch(this.#address, 'PUT', `/lake/.dlsdata/${String(this.#last?.blockId)}`, { body: text });
  }

  complete(): Promise<number | null> {
    return this.#client.codeOf('completeFile', { ...this.parameters, lastBlock: this.lastBlock });
  }
}
