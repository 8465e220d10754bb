#!/bin/bash
# Builds the release preset and runs every benchmark in it.
set -euo pipefail
cd "$(dirname "$0")/.."

cmake --preset release
cmake --build --preset release
shopt -s nullglob
for bench in build/release/belay_bench*; do
  "$bench" "$@"
done
