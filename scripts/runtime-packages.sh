#!/bin/bash
# Names the Debian packages of the shared libraries that a program loads, one a line: what an image
# needs besides the program itself.
set -euo pipefail

program=$1
libraries=$(ldd "$program")
if grep --quiet "not found" <<<"$libraries"; then
  echo "runtime-packages: $program misses libraries:" >&2
  grep "not found" <<<"$libraries" >&2
  exit 1
fi
mapfile -t paths < <(sed --quiet 's/.*=> \(\/[^ ]*\) .*/\1/p' <<<"$libraries")

# A merged /usr shows one file under two names, and dpkg knows one of them: so some are not found.
known=$(dpkg-query --search "${paths[@]}" "${paths[@]/#//usr}" "${paths[@]#/usr}" 2>/dev/null || true)
for path in "${paths[@]}"; do
  if ! grep --quiet --fixed-strings "${path#/usr}" <<<"$known"; then
    echo "runtime-packages: no package has $path" >&2
    exit 1
  fi
done
sed 's/:.*//' <<<"$known" | sort --unique
