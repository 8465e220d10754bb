// Row 2 of the goals: `belay replay` of 50 MB of tail events, the whole process, against jq, node and mtail.
// CPU time (user + system), the programs in turn, median of RUNS. Every peer must show that it saw every event.
//
// usage: node bench/compare.mjs BUILD_DIRECTORY [MEGABYTES] [RUNS]
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { printGoals } from './goal_table.mjs';

const [build = 'build/release', megabytes = '50', runs = '5'] = process.argv.slice(2);
const here = dirname(fileURLToPath(import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'belay-compare-'));
const log = join(scratch, 'tail.ndjson');
const errors = join(scratch, 'errors.txt');

const kJqFields = '[.scriptName, .scriptVersion.id, .eventTimestamp, .outcome, .wallTime, ' +
    '.event.request.url, .event.response.status]';

const lines = (text) => text.split('\n').length - 1;
const sumOfEvents = (text) => [...text.matchAll(/^events\{.*\} (\d+)$/gm)]
    .reduce((sum, [, count]) => sum + Number(count), 0);

// `first` and `then` are the goals of PERFORMANCE.md; `seen` reads off the output how many events were seen.
const programs = [
  { name: 'belay replay', argv: [join(build, 'belay'), 'replay', '--output', 'json', log],
    // 12: so short a log leaves its rules unknown. What counts is that it saw all of it.
    mayEndWith: 12, seen: (out) => JSON.parse(out).used },
  { name: 'mtail', first: 25, then: 57, seen: sumOfEvents,
    argv: ['mtail', '--one_shot', '--one_shot_format=prometheus', '--address', '127.0.0.1', '--port', '0',
           '--logs', log, '--progs', join(here, 'tail.mtail'), '--logtostderr'] },
  { name: 'jq', first: 15, then: 37, seen: lines, argv: ['jq', '-c', kJqFields, log] },
  { name: 'node JSON.parse', first: 5, then: 11, seen: (out) => JSON.parse(out).events,
    argv: ['node', join(here, 'parse_lines.mjs'), log] },
];

// Bash's own `time` gives user and system time of the whole process, start-up included.
function run(argv, output, mayEndWith = 0) {
  const out = openSync(output, 'w');
  const ran = spawnSync('bash', ['-c', 'TIMEFORMAT="%U %S"; time "$@" 2>"$0"', errors, ...argv],
                        { stdio: ['ignore', out, 'pipe'], encoding: 'utf8' });
  closeSync(out);
  if (ran.status !== 0 && ran.status !== mayEndWith)
    throw new Error(`${argv[0]} ended with ${ran.status}: ${readFileSync(errors, 'utf8').slice(-500)}`);
  const [user, system] = ran.stderr.trim().split(/\s+/).map(Number);
  return user + system;
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

function main() {
  run([join(build, 'belay_tail_log'), megabytes], log);
  const events = lines(readFileSync(log, 'utf8'));
  for (const program of programs) program.seconds = [];
  for (let i = 0; i < Number(runs); ++i) {
    for (const program of programs) {
      const output = join(scratch, 'output.txt');
      program.seconds.push(run(program.argv, output, program.mayEndWith));
      const seen = program.seen(readFileSync(output, 'utf8'));
      if (seen !== events) throw new Error(`${program.name} saw ${seen} of ${events} events`);
    }
  }
  const ours = median(programs[0].seconds);
  console.log(`whole process, ${megabytes} MB, ${events} events, CPU time, median of ${runs}`);
  for (const { name, seconds } of programs) {
    const each = `${(median(seconds) / events * 1e6).toFixed(2)} us an event`;
    console.log(`  ${name.padEnd(16)} ${median(seconds).toFixed(3)} s  ${each.padStart(18)}`);
  }
  console.log();
  printGoals(programs.slice(1).map(({ name, seconds, first, then }) =>
      ['2', `${name} / belay replay`, median(seconds) / ours, 'x', first, then]));
}

try {
  main();
} finally {
  rmSync(scratch, { recursive: true });
}
