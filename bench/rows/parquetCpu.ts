/** JSON into Parquet, the encoder against DuckDB's: both read the same lines, on one thread. */
import { ensureParquetReaders } from '../../scripts/services/download.ts';
import { measureDuckDb, measureOwn } from '../parquet.ts';
import { makeRows } from '../parquet/rows.ts';
import { durationOf, type Row } from './row.ts';

/** The first ones compile. */
const ROUNDS = 7;
const ROWS = 1_000_000;
const QUICK_ROWS = 2_000;
const CODEC = 'zstd';

export const parquetCpu: Row = {
  name: 'parquet-cpu',
  ratio: 'MB of JSON per CPU second into Parquet (zstd), over those of DuckDB on one thread',
  goal: { atLeast: 1 },
  run: async ({ rounds, isQuick, signal, log }) => {
    const pythonPath = await ensureParquetReaders(log, signal);
    const json = makeRows(isQuick ? QUICK_ROWS : ROWS);
    const [own, duckDb]: [number[], number[]] = [[], []];
    let sizes = '';
    for (let round = 1; round <= (rounds ?? ROUNDS); round += 1) {
      signal.throwIfAborted();
      const [ours, theirs] = [measureOwn(json, CODEC), measureDuckDb(pythonPath, json, CODEC)];
      log(
        `parquet-cpu ${round}: ${ours.cpuSeconds.toFixed(2)} CPU s, DuckDB ${theirs.cpuSeconds.toFixed(2)}`,
      );
      own.push(ours.cpuSeconds);
      duckDb.push(theirs.cpuSeconds);
      sizes = `${(ours.bytes / 1e6).toFixed(1)} MB of Parquet, DuckDB ${(theirs.bytes / 1e6).toFixed(1)} MB`;
    }
    const [theirs, ours] = [durationOf('DuckDB', duckDb), durationOf('Tidemark', own)];
    const rate = ({ spread }: typeof ours): string => (json.length / 1e6 / spread.median).toFixed(0);
    return {
      ratio: theirs.spread.median / ours.spread.median,
      ...{ experiments: [], bounds: [], durations: [theirs, ours] },
      notes: [`${rate(ours)} MB per CPU second, DuckDB ${rate(theirs)}; ${sizes}`],
    };
  },
};
