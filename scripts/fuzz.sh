#!/bin/bash
# Runs every fuzz target of build/fuzz for SECONDS each, at low priority: fuzz.sh SECONDS [TARGET...].
# Begins with the inputs that the tree keeps, grows a corpus of its own in build/fuzz/corpus, and
# leaves inputs that broke something in build/fuzz/found. Exit 1 if there is one.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:?"how many seconds for each target"}
shift
targets=("$@")
if ((${#targets[@]} == 0)); then
  for binary in build/fuzz/*_fuzz; do
    name=$(basename "$binary")
    targets+=("${name%_fuzz}")
  done
fi

failed=()
for name in "${targets[@]}"; do
  corpus=build/fuzz/corpus/$name
  found=build/fuzz/found/$name
  mkdir -p "$corpus" "$found"
  dictionary=()
  [[ -e tests/fuzz/$name.dict ]] && dictionary=(-dict="tests/fuzz/$name.dict")
  echo "fuzz: $name for $seconds s"
  nice -n 19 "build/fuzz/${name}_fuzz" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 \
    -artifact_prefix="$found/" -print_final_stats=1 -verbosity=0 "${dictionary[@]}" \
    "$corpus" "tests/fuzz/corpus/$name" || failed+=("$name")
done

if ((${#failed[@]} > 0)); then
  echo "fuzz: broken: ${failed[*]}; inputs in build/fuzz/found" >&2
  exit 1
fi
