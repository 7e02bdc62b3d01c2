import { writeFileSync } from 'node:fs';
import { drawSchedule, randomOfRun } from '../../sim/draw/schedule.ts';
import { runWorld } from '../../sim/world.ts';
import { checkAll } from '../../sim/checkers/all.ts';
import { scheduleText } from '../../sim/scheduleText.ts';
const [store, from, to, seed] = [process.argv[2] as 'file', Number(process.argv[3]), Number(process.argv[4]), Number(process.argv[5] ?? 1)];
let bad = 0;
for (let run = from; run < to; run += 1) {
  const drawn = drawSchedule(randomOfRun(seed, run), { store, job: null });
  const content = { lines: run % 3 === 2 ? 'badParquet' : 'parquet', codec: (['none', 'zstd', 'gzip'] as const)[run % 3 === 0 ? 0 : run % 5 === 0 ? 2 : 1] } as const;
  const schedule = { ...drawn, config: { ...drawn.config, content } };
  const trace = await runWorld(schedule);
  const found = checkAll(trace);
  if (found.length > 0) {
    bad += 1;
    console.log(run, JSON.stringify(found.map((v) => `${v.invariant}: ${v.message}`)).slice(0, 600));
    writeFileSync(`/work/out/p.${store}.${run}.json`, scheduleText(schedule));
    if (bad > 6) break;
  }
}
console.log(store, 'done', bad);
