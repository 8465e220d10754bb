#!/bin/bash
# Builds the release preset, runs every benchmark, and prints the figures beside their goals: rows 1
# and 3 to 9, then row 2. One that fails costs its own rows only, and the exit code.
# Arguments go to the benchmarks (--benchmark_repetitions=1 for a quick look).
set -euo pipefail
cd "$(dirname "$0")/.."

build=build/release
cmake --preset release
cmake --build --preset release --target belay_benches

results=$build/bench-results
rm -rf "$results" && mkdir -p "$results"
failed=0
for part in pipeline windows judgement decision metrics rollback; do
  echo "bench: $part"
  "$build/belay_bench_$part" --benchmark_repetitions=5 --benchmark_enable_random_interleaving \
    --benchmark_report_aggregates_only \
    --benchmark_out="$results/$part.json" --benchmark_out_format=json "$@" \
    >"$results/$part.txt" || { failed=1; rm -f "$results/$part.json"; echo "bench: $part failed"; }
done
echo
node bench/goals.mjs "$results"/*.json || failed=1
echo
node bench/compare.mjs "$build" || failed=1
exit "$failed"
