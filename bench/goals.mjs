// Prints what the benchmarks measured beside the goals of PERFORMANCE.md. Nothing fails on a figure: times on a
// shared machine mean nothing, ratios taken in one run mean something.
//
// usage: node bench/goals.mjs RESULT.json...   (of --benchmark_out, repeated and interleaved)
// Ends with 1 if a row could not be measured.
import { readFileSync } from 'node:fs';
import { printGoals } from './goal_table.mjs';

const kNanoseconds = { ns: 1, us: 1e3, ms: 1e6, s: 1e9 };

// The median of the repetitions, in CPU time; the only run, if it was not repeated.
const measured = new Map();
for (const file of process.argv.slice(2)) {
  for (const run of JSON.parse(readFileSync(file, 'utf8')).benchmarks) {
    if (run.aggregate_name !== undefined && run.aggregate_name !== 'median') continue;
    measured.set(run.run_name, { ...run, cpu_ns: run.cpu_time * kNanoseconds[run.time_unit] });
  }
}

const of = (name) => {
  const found = [...measured.keys()].find((key) => key === name || key.startsWith(`${name}/iterations`));
  return measured.get(found);
};
const rate = (name) => of(name)?.items_per_second;
const cpu_ms = (name) => of(name)?.cpu_ns / 1e6;

// What comes out of something that was not measured was not measured either.
const known = (value) => (Number.isFinite(value) ? value : undefined);

// Row, what, measured, unit, the goals first and then. A ratio is the better the larger it is.
const rows = [
  ['1', 'pipeline in memory / bare On-Demand', rate('Pipeline/indented:0') / rate('Bare/indented:0'),
   'x', 0.65, 1.25],
  ['1', '  parsing alone / bare On-Demand', rate('Parse/indented:0') / rate('Bare/indented:0'), 'x'],
  ['3', 'pretty-printed / NDJSON, events a second',
   rate('Pipeline/indented:1') / rate('Pipeline/indented:0'), 'x', 0.5, 0.7],
  ['4', 'histogram insert', 1e9 / rate('HistogramInsert'), ' ns', 2, 1],
  ['4', '  its largest error', of('HistogramError')?.error_percent, ' %', 1.6, 0.8],
  ['4', '  count window insert', 1e9 / rate('CountWindowInsert'), ' ns'],
  ['4', '  count window slide', cpu_ms('CountWindowSlide') * 1e6, ' ns'],
  ['4', '  quantile window insert, 100 a second', 1e9 / rate('QuantileWindowInsert/100'), ' ns'],
  ['5', 'a series, ten events a second', of('SeriesMemory/600')?.bytes / 1024, ' KB', 16, 5],
  ['5', '  one a second', of('SeriesMemory/60')?.bytes / 1024, ' KB', 16, 5],
  ['5', '  a hundred a second', of('SeriesMemory/6000')?.bytes / 1024, ' KB'],
  ['6', '10,000 rules, every window moved', cpu_ms('Judgement/calls:1'), ' ms', 50, 5],
  ['6', '  nothing came', cpu_ms('Judgement/calls:0'), ' ms'],
  ['7', '/metrics, 10,000 series: TextSerializer / ours',
   cpu_ms('page_by_text_serializer') / cpu_ms('page_by_our_writer'), 'x', 5, 30],
  ['8', 'arrival to decision, idle, p50', of('ArrivalToDecision/journal:0')?.p50_us, ' us', 1000,
   50],
  ['8', '  p99', of('ArrivalToDecision/journal:0')?.p99_us, ' us', 20000, 1000],
  ['8', '  its intent durable, p50', of('ArrivalToDecision/journal:1')?.p50_us, ' us'],
  ['8', '  p99', of('ArrivalToDecision/journal:1')?.p99_us, ' us'],
  ['9', 'deciding event to rollback sent, p50', of('DecisionToRollback')?.p50_ms, ' ms'],
  ['9', '  p99', of('DecisionToRollback')?.p99_ms, ' ms', 1000, 50],
];

const is_complete = printGoals(
    rows.map(([row, what, value, ...goals]) => [row, what, known(value), ...goals]));
process.exitCode = is_complete ? 0 : 1;
