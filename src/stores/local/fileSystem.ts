/** The calls of node:fs/promises that the file store makes. Tests inject faults and crashes between them. */
import * as fs from 'node:fs/promises';

export type FileSystem = Pick<
  typeof fs,
  | 'copyFile'
  | 'link'
  | 'lstat'
  | 'mkdir'
  | 'open'
  | 'opendir'
  | 'readdir'
  | 'rename'
  | 'rmdir'
  | 'stat'
  | 'unlink'
>;

export const nodeFileSystem: FileSystem = fs;
