#!/bin/bash
# Builds the release preset, runs every benchmark, and prints the figures beside their goals.
set -euo pipefail
cd "$(dirname "$0")/.."

cmake --preset release
cmake --build --preset release --target belay_benches

results=build/release/bench-results
rm -rf "$results" && mkdir -p "$results"
for bench in build/release/belay_bench_*; do
  "$bench" --benchmark_repetitions=5 --benchmark_enable_random_interleaving \
    --benchmark_report_aggregates_only \
    --benchmark_out="$results/$(basename "$bench").json" --benchmark_out_format=json "$@"
done
echo
node bench/goals.mjs "$results"/*.json
echo
node bench/compare.mjs build/release
