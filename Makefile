# A few words in front of CMake. Every build lives in build/<preset>; see CMakePresets.json.
PRESET := build/release
DESTDIR ?=
PREFIX ?= /usr/local
BENCH ?=
RECORD ?=
SOAK_SECONDS ?= 600
SIM_RUNS ?= 100000
SIM_SEED ?= 1
MUTATE_PACKETS ?= 1000000
MUTATE_SEED ?= 1
LIES_SESSIONS ?= 100000
ATTACKS_SCALE ?= 10
LIES_SEED ?= 1
CRASH_ROUNDS ?= 500
CRASH_SEED ?= 1

.DEFAULT_GOAL := build
.PHONY: build demo run check lint cost bench fuzz conformance soak sim mutate attacks crash install setup clean help setup-build setup-all

build: $(PRESET)/build.ninja ## build the tool and the library: build/wilco, build/libwilco.*
	@cmake --build --preset release
	@cd build && find release -maxdepth 1 \( -name wilco -o -name 'libwilco.*' \) -exec ln -sf '{}' . ';'

$(PRESET)/build.ninja: CMakePresets.json
	@cmake --preset release || { echo "To install what is missing: make setup" >&2; exit 1; }

demo: setup-build ## one request and its answer, step by step
	@$(MAKE) --no-print-directory build
	@scripts/demo.sh build/wilco

run: setup-build ## a broker in the foreground on 127.0.0.1:1883
	@$(MAKE) --no-print-directory build
	@exec build/wilco broker

check: setup-all ## lint, and every test in every build that must pass
	@scripts/check.sh

lint: setup-all ## what can be said without running anything
	@scripts/lint.sh

cost: setup-all ## instructions, system calls and allocations of a request: RECORD=1 keeps what is found
	@cmake --preset strict > /dev/null
	@cmake --build --preset strict
	@tests/cost/cost.py $(if $(RECORD),--record)

bench: setup-all ## side by side with other brokers, which takes a while: BENCH="--cases requests,one --rounds 5"
	@cmake --preset release -DWILCO_BENCH=ON > /dev/null
	@$(MAKE) --no-print-directory build
	@bench/run.py $(BENCH)

fuzz: setup-all ## search for inputs that break something: FUZZ_SECONDS=600, divided among all targets
	@scripts/fuzz.sh

soak: setup-all ## random clients against a broker with 1 and with 4 shards: SOAK_SECONDS=600 in all
	@cmake --preset dev > /dev/null
	@cmake --build --preset dev --target soak
	@build/dev/tests/soak/soak $(SOAK_SECONDS)

sim: setup-all ## requests under faults, simulated, without libwilco and with: SIM_RUNS=100000 runs each from SIM_SEED=1 on
	@cmake --preset dev > /dev/null
	@cmake --build --preset dev --target sim_requests sim_library
	@build/dev/tests/sim/sim_requests --seed $(SIM_SEED) --runs $(SIM_RUNS)
	@build/dev/tests/sim/sim_library --seed $(SIM_SEED) --runs $(SIM_RUNS)

mutate: setup-all ## broken packets among good ones, to the broker and to libwilco: MUTATE_PACKETS=1000000 LIES_SESSIONS=100000
	@cmake --preset asan > /dev/null
	@cmake --build --preset asan --target mutate lies
	@MUTATE_PACKETS=$(MUTATE_PACKETS) MUTATE_SEED=$(MUTATE_SEED) build/asan/tests/mutate/mutate
	@LIES_SESSIONS=$(LIES_SESSIONS) LIES_SEED=$(LIES_SEED) build/asan/tests/mutate/lies

attacks: setup-all ## a broker under attack, while a probe asks: ATTACKS_SCALE=10 times as long as in the tests
	@$(MAKE) --no-print-directory build
	@cmake --preset dev > /dev/null
	@cmake --build --preset dev --target siege
	@build/dev/tests/attacks/siege $(ATTACKS_SCALE) build/wilco

crash: setup-all ## a responder with a journal, killed at random moments: CRASH_ROUNDS=500 times
	@cmake --preset dev > /dev/null
	@cmake --build --preset dev --target crash
	@build/dev/tests/crash/crash $(CRASH_ROUNDS) $(CRASH_SEED)

conformance: setup-build ## tests of Eclipse Paho, from a clone of paho.mqtt.testing: SUITE=/path/to/clone
	@test -n "$(SUITE)" || { echo "make conformance SUITE=/path/to/clone; see docs/conformance_suite.md" >&2; exit 1; }
	@$(MAKE) --no-print-directory build
	@scripts/conformance_suite.py --wilco build/wilco "$(SUITE)"

install: build ## install to PREFIX (/usr/local), below DESTDIR if given
	@DESTDIR=$(DESTDIR) cmake --install $(PRESET) --prefix $(PREFIX)

setup: setup-all ## install what is missing to build and to test

setup-build:
	@scripts/setup.sh build

setup-all:
	@scripts/setup.sh all

clean: ## remove everything that was built
	@rm -rf build

help: ## these words
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
