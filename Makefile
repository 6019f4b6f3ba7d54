# HeliosDB Nano. Each target installs what it needs (Debian 12) and builds what it needs: `make serve` alone is enough.
SHELL := /bin/bash
PYTHON ?= /usr/bin/python3
HOST ?= 127.0.0.1
PORT ?= 5432
DATA ?= ./data
RUN_TESTS = $(PYTHON) tests/run.py
BUILD_LOG = build/.log

.DEFAULT_GOAL := help
.PHONY: help serve build test test-unit test-sql test-e2e test-fault bench bench-quick pgbench-lite debug asan tsan \
        test-crash test-copy10m test-bad-input test-slow format lint clean deps-build deps-test deps-bench deps-lint

help:
	@echo "make serve          build and start the server on $(HOST):$(PORT) with $(DATA) (HOST=, PORT=, DATA= change that)"
	@echo "make build          leave the release binary at build/helios-nano"
	@echo "make test           all tests: unit, SQL beside PostgreSQL 15, clients end to end, faults"
	@echo "make test-unit, test-sql, test-e2e, test-fault      one suite (ONLY=name picks tests by name)"
	@echo "make bench          measure beside PostgreSQL 15, write bench/RESULTS.md (make bench-quick: a short one)"
	@echo "make debug          debug build in build/debug"
	@echo "make asan, tsan     build with sanitizers and run the tests under them"
	@echo "make test-crash     20 rounds of kill -9 under load                                (slow)"
	@echo "make test-copy10m   COPY of 10 million rows in one transaction, whole and killed   (slow)"
	@echo "make test-slow      all slow tests"
	@echo "make format, lint   clang-format in place; clang-format, clang-tidy and the shell check only"
	@echo "make clean          remove build/ (not $(DATA))"

deps-%:
	@tools/deps.sh $*

serve: build
	@exec build/helios-nano serve --host $(HOST) --port $(PORT) --data-dir $(DATA)

# The build tree stays in build/release; the finished program is copied so that a running server is never overwritten.
build: deps-build
	@tools/dev build release helios-nano
	@cmp -s build/release/helios-nano build/helios-nano || \
	    { cp build/release/helios-nano build/.helios-nano.new && mv build/.helios-nano.new build/helios-nano; }

pgbench-lite: deps-build
	@tools/dev build release pgbench-lite
	@cmp -s build/release/pgbench-lite build/pgbench-lite || cp build/release/pgbench-lite build/pgbench-lite

debug: deps-build
	@tools/dev build debug helios-nano pgbench-lite

# unit tests run from the debug build (assertions on), the rest against the release binary
test: deps-test build pgbench-lite
	-@tools/dev build debug unit-tests
	@$(RUN_TESTS) --unit-dir build/debug/unit --only '$(ONLY)'

test-unit: deps-test
	@tools/dev build debug unit-tests
	@$(RUN_TESTS) --unit-dir build/debug/unit --suites unit --only '$(ONLY)'

test-sql: deps-test build
	@$(RUN_TESTS) --suites sql --only '$(ONLY)'

test-e2e: deps-test build pgbench-lite
	@$(RUN_TESTS) --suites e2e --only '$(ONLY)'

test-fault: deps-test build pgbench-lite
	@$(RUN_TESTS) --suites fault --only '$(ONLY)'

# SUITES= picks suites (unit,sql,e2e,fault). Criterion cannot run under the thread sanitizer: there the concurrency suites are what counts.
asan: deps-test pgbench-lite
	-@tools/dev build asan helios-nano unit-tests
	@$(RUN_TESTS) --label asan --binary build/asan/helios-nano --unit-dir build/asan/unit --sanitizer --suites '$(or $(SUITES),unit,sql,e2e,fault)' --only '$(ONLY)'

tsan: deps-test pgbench-lite
	-@tools/dev build tsan helios-nano
	@$(RUN_TESTS) --label tsan --binary build/tsan/helios-nano --sanitizer --suites '$(or $(SUITES),e2e)' --only '$(ONLY)'

test-crash: deps-test build pgbench-lite
	@HELIOS_CRASH_ROUNDS=20 $(RUN_TESTS) --suites fault --only crash

test-copy10m: deps-test build pgbench-lite
	@HELIOS_SLOW=1 $(RUN_TESTS) --suites fault --only copy

test-slow: deps-test build pgbench-lite
	@HELIOS_SLOW=1 HELIOS_CRASH_ROUNDS=20 $(RUN_TESTS) --suites e2e,fault

bench: deps-bench build pgbench-lite
	@$(PYTHON) bench/run.py $(BENCH_ARGS)

bench-quick: deps-bench build pgbench-lite
	@$(PYTHON) bench/run.py --quick $(BENCH_ARGS)

C_FILES = $(shell git ls-files '*.c' '*.h' '*.cc')

format: deps-lint
	@clang-format -i $(C_FILES)

lint: deps-lint deps-build
	@clang-format --dry-run --Werror $(C_FILES)
	@tools/dev build debug helios-nano
	@clang-tidy-14 -quiet -p build/debug $(filter src/%.c,$(C_FILES))
	@bash -n tools/deps.sh tools/dev .ci/run

clean:
	rm -rf build
