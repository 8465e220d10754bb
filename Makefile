# Thin: each target does everything it needs, packages included. On a fresh Debian 12 as root
# `make run` and `make test` are all there is to it.

JOBS := $(shell nproc)
NPM := tests/npm/node_modules/.package-lock.json
CLANG = $(if $(shell command -v clang++-16),-16)
SOURCES = $(shell git ls-files --cached --others --exclude-standard -- '*.h' '*.cc')

FUZZ_SECONDS ?= 60

.PHONY: run test torture bench decisions asan tsan fuzz format lint clean packages

run: packages
	cmake --preset release
	cmake --build --preset release --target belay
	build/release/belay demo

test: packages $(NPM)
	cmake --preset dev
	cmake --build --preset dev
	ctest --preset dev --output-on-failure -j$(JOBS)

# Half the time for worlds from new seeds, half for kills at every system call of an action.
TORTURE ?= 20
torture: packages
	cmake --preset dev
	cmake --build --preset dev --target belay belay_simulator kill_test
	build/dev/belay_simulator --minutes $$(( ($(TORTURE) + 1) / 2 ))
	BELAY_TORTURE=$$(( ($(TORTURE) + 1) / 2 )) build/dev/kill_test

# A report of a program that a test runs is a failure, whether the test looked at how it ended or not.
asan tsan: packages $(NPM)
	cmake --preset $@
	cmake --build --preset $@
	rm -rf build/$@/reports && mkdir build/$@/reports
	ctest --preset $@ -j$(JOBS) || failed=1; \
	  ! grep -rh '' build/$@/reports && [ -z "$$failed" ]

bench: packages
	scripts/bench.sh

# FUZZ_SECONDS for each target, one after the other; what is found lies in build/fuzz/found.
fuzz: packages
	cmake --preset fuzz -DCMAKE_CXX_COMPILER=clang++$(CLANG)
	cmake --build --preset fuzz
	scripts/fuzz.sh $(FUZZ_SECONDS)

# How often a rollout would have been rolled back rightly and wrongly, on simulated traffic.
decisions: packages
	cmake --preset release
	cmake --build --preset release --target belay
	g++ -O2 -ffp-contract=off -std=c++20 -o build/release/gen bench/decisions/gen.cpp
	bench/decisions/run.py build/release/gen build/release/belay bench/decisions/public \
	  build/release/decisions.jsonl

format: packages
	clang-format -i $(SOURCES)

lint: packages
	clang-format --dry-run --Werror $(SOURCES)
	cmake --preset lint -DCMAKE_CXX_COMPILER=clang++$(CLANG)
	printf '%s\n' $(filter %.cc,$(SOURCES)) | \
	  xargs -P $(JOBS) -n 4 clang-tidy$(CLANG) -p build/lint --quiet

clean:
	rm -rf build

packages:
	@scripts/install-packages.sh

# The real BullMQ and wrangler for the tests. The order keeps `packages` first without rerunning npm
# for it.
$(NPM): tests/npm/package-lock.json | packages
	npm ci --prefix tests/npm --no-audit --no-fund --ignore-scripts --loglevel=error
	@touch $@
