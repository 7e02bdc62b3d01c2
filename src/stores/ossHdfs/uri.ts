/**
 * `oss://<ossBucket>[.<endpoint>]/path` URIs, taken literally like a Hadoop path, and the paths that JindoSDK
 * gets for them.
 */
import type { PartTarget } from '../port.ts';
import { handleInvalid } from '../failure.ts';

const URI = /^oss:\/\/([a-z0-9][a-z0-9-]*)(?:\.([^/]+))?(\/.*)$/;

export class OssPaths {
  readonly #ossBucket: string;

  constructor(ossBucket: string) {
    this.#ossBucket = ossBucket;
  }

  /** The path in the bucket's namespace, as JindoSDK expects it. The endpoint is an option of its client. */
  pathOf(uri: string): string {
    const [, ossBucket, , path] = URI.exec(uri) ?? [];
    if (ossBucket === undefined || path === undefined || path.includes('\0'))
      throw handleInvalid(
        `"${uri}" is no URI of the OSS-HDFS store: oss://<bucket>[.<endpoint>]/path is expected. ` +
          'A part file of a former destination is settled by a run with the former sink.',
        uri,
      );
    if (ossBucket !== this.#ossBucket) {
      throw handleInvalid(
        `"${uri}" lies in the OSS bucket ${ossBucket}, and this job writes to ${this.#ossBucket}: ` +
          'let a run with the former sink settle it.',
        uri,
      );
    }
    return `oss://${ossBucket}${path}`;
  }

  /**
   * The path of a temporary file. It must be hidden, so that nothing a reader may have seen is ever touched
   * by its name.
   */
  temporaryPathOf(uri: string): string {
    if (!nameOf(uri).startsWith('.'))
      throw handleInvalid(
        `"${uri}" is no temporary name: it does not begin with a dot. It is left alone.`,
        uri,
      );
    return this.pathOf(uri);
  }

  partPathsOf({ temporaryUri, finalUri }: PartTarget): {
    readonly temporary: string;
    readonly final: string;
  } {
    const paths = { temporary: this.temporaryPathOf(temporaryUri), final: this.pathOf(finalUri) };
    if (nameOf(finalUri).startsWith('.') || nameOf(finalUri) === '')
      throw handleInvalid(
        `"${finalUri}" is hidden, or names a folder: no file is published there.`,
        finalUri,
      );
    return paths;
  }
}

function nameOf(uri: string): string {
  return uri.slice(uri.lastIndexOf('/') + 1);
}
