# Penstock. `make` alone says what there is.
.DEFAULT_GOAL := help
.PHONY: help setup build demo test unit e2e lint fmt release bench budgets budgets-test scale clean \
        setup-tests setup-valgrind build-tests build-measured

PYTEST = .testbed/bin/python -m pytest
# `make release LINKING=` for a toolchain whose static libraries do not fit the system's.
LINKING = --static-swift-stdlib

help: ## What can be made
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what the build needs (C libraries; says so, once)
	@Scripts/setup.sh

build: setup ## Build .build/debug/penstock
	swift build --product penstock

demo: build ## A gateway and its coordinators under load: flips, failures, retries, on this machine
	@.build/debug/penstock demo

test: unit e2e lint budgets-test ## Everything that must pass before a change lands

unit: build-tests ## The unit tests
	swift test --skip-build

e2e: build-tests setup-tests ## The end-to-end tests: real clients, a real engine (ARGS='-k flip' for some)
	$(PYTEST) Tests/EndToEnd $(ARGS)

lint: setup setup-tests ## Format and house rules
	swift format lint --strict --recursive --parallel Sources Tests Package.swift
	$(PYTEST) Tests/Tidy

fmt: ## Format the sources
	swift format --in-place --recursive --parallel Sources Tests Package.swift

release: setup ## Build the binary to ship: .build/release/penstock, without a Swift runtime beside it
	swift build --configuration release $(LINKING) --product penstock

bench: build-measured ## CPU per request beside HAProxy, nginx, Envoy (installs them; 6 minutes; ARGS="--cases POST")
	@Scripts/setup-bench.sh
	python3 Tests/Benchmarks/bench.py $(ARGS)

budgets-test: build-measured setup-valgrind setup-tests ## What a request may cost: instructions, allocations, memory
	$(PYTEST) Tests/Budgets

budgets: build-measured setup-valgrind ## Make what a request costs now the budget of this toolchain
	python3 Tests/Budgets/measure.py --renew

scale: build-measured ## What many statements cost: memory, CPU, time (a quarter of an hour; ARGS='flight million')
	@Scripts/install-packages.sh "the measures" python3 nginx wrk
	python3 Tests/Benchmarks/scale.py $(ARGS)

clean: ## Remove what was built; the test bed stays
	rm -rf .build

# One debug build serves the unit tests and the end-to-end tests.
build-tests: setup
	swift build --build-tests

# What is shipped is what is measured. Where the toolchain's static libraries do not fit the system's, the dynamic ones
# serve: a row of the budgets holds for one version and one way of linking.
build-measured: setup
	swift build --configuration release $(LINKING) --product penstock || \
	    swift build --configuration release --product penstock

setup-valgrind:
	@Scripts/install-packages.sh "the budgets" valgrind python3

setup-tests:
	@Scripts/setup-tests.sh
