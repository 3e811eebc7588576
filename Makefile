# Everything a person or CI types. Needs python3 >= 3.11 and make; the rest lands in .venv.

PYTHON ?= python3
WORKERS ?= 3

BIN := .venv/bin
PY := $(BIN)/python
RUNTIME := .venv/.runtime
DEV := .venv/.dev
BENCH := .venv-bench/.bench
PEER := .venv-peer/.peer
NODE := .venv-node/.node
NODE_PINS := requirements-node.txt tests/conformance_mcp/package-lock.json

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help preflight venv demo run test test-paper sequences check format lint types contracts tidy bench crash burn-in simulate peer node conformance fuzz fuzz-tools wheel bundle newcomer lock clean

help:
	@echo "make demo   install, then watch the desk trade on the local paper exchange"
	@echo "make run    start the daemon; prints its URLs and the Claude Desktop JSON"
	@echo "make test   every test but the static gates"
	@echo "make test-paper  one trade on a real Alpaca paper account, ending flat; needs its keys"
	@echo "make sequences   10,000 random sequences of tool calls, each order held to its preview"
	@echo "make check  format, lint, types, import contracts, tidy tests"
	@echo "make bench  the benchmark table, in its own environment"
	@echo "make crash  100 rounds of kill -9"
	@echo "make burn-in  100 days of the desk on the stepped clock; keeps build/burn-in.md"
	@echo "make simulate  1,000 seeds of the simulation and its planted faults; keeps build/simulation.md"
	@echo "make peer   install Alpaca's own MCP server, which tests drive, in its own environment"
	@echo "make node   install the MCP conformance suite and Inspector, in their own environment"
	@echo "make conformance  both revisions of the MCP suite and the Inspector, against our server"
	@echo "make fuzz   a long run of schemathesis on the exchange's REST API"
	@echo "make wheel  dist/*.whl, for uvx and pip"
	@echo "make bundle dist/*.mcpb, which Claude Desktop installs by a double click"
	@echo "make newcomer  a fresh clone, the README's commands, and a paper trade over stdio"
	@echo "make fuzz-tools  5,000 random calls of every tool, hostile text included"
	@echo "make lock   pin the newest versions the .in files allow"
	@echo "make clean  remove the environments and caches"

preflight:
	@$(PYTHON) scripts/preflight.py

venv: $(RUNTIME)

$(RUNTIME): requirements.txt | preflight
	@$(PYTHON) scripts/install.py .venv requirements.txt
	@touch $@

$(DEV): requirements.txt requirements-dev.txt | preflight
	@$(PYTHON) scripts/install.py .venv requirements.txt requirements-dev.txt
	@touch $(RUNTIME) $@

$(BENCH): requirements.txt requirements-bench.txt | preflight
	@$(PYTHON) scripts/install.py .venv-bench requirements.txt requirements-bench.txt
	@touch $@

peer: $(PEER)

$(PEER): requirements-peer.txt | preflight
	@$(PYTHON) scripts/install.py .venv-peer requirements-peer.txt
	@touch $@

node: $(NODE)

$(NODE): $(NODE_PINS) | preflight
	@$(PYTHON) scripts/install.py .venv-node $(NODE_PINS)
	@touch $@

demo: $(RUNTIME)
	@$(PY) alpaca_mcp_server.py demo

run: $(RUNTIME)
	@$(PY) alpaca_mcp_server.py serve

test: $(DEV) $(PEER) $(NODE)
	@$(PY) -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder --ignore=tests/tidy

test-paper: $(DEV)
	@$(PY) -m tests.acceptance.paper_account

sequences: $(DEV)
	@$(PY) -m tests.acceptance.sequences --count 10000

check: format lint types contracts tidy

format: $(DEV)
	@$(BIN)/ruff format --check .

lint: $(DEV)
	@$(BIN)/ruff check .

types: $(DEV)
	@$(BIN)/mypy .

contracts: $(DEV)
	@$(BIN)/lint-imports

tidy: $(DEV)
	@$(PY) -m pytest -q -n $(WORKERS) --dist loadfile tests/tidy

bench: $(BENCH)
	@.venv-bench/bin/python -m bench

crash: $(DEV)
	@$(PY) -m tests.crash.run --rounds 100

fuzz-tools: $(DEV)
	@$(PY) -m tests.fuzz.run --calls 5000

burn-in: $(DEV)
	@$(PY) -m tests.burnin.run --days 100 --report build/burn-in.md

simulate: $(DEV)
	@$(PY) -m tests.simulation.run --seeds 1000 --mutants --report build/simulation.md

conformance: $(DEV) $(NODE)
	@$(PY) -m pytest -q tests/conformance_mcp

fuzz: $(DEV) $(PEER)
	@$(PY) -m tests.peer.fuzz --examples 200

wheel: $(RUNTIME)
	@rm -rf build/lib build/bdist.* # or a module that is gone would be packed from there
	@$(PY) -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .
	@ls dist/*.whl

bundle: $(RUNTIME)
	@$(PY) scripts/bundle.py dist

newcomer: $(DEV)
	@$(PY) -m tests.acceptance.newcomer

COMPILE := $(BIN)/pip-compile --quiet --upgrade --strip-extras \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links
lock: export CUSTOM_COMPILE_COMMAND = make lock
lock: $(DEV)
	$(COMPILE) -o requirements.txt requirements.in
	$(COMPILE) -o requirements-dev.txt requirements-dev.in
	$(COMPILE) -o requirements-bench.txt requirements-bench.in
	$(COMPILE) -o requirements-peer.txt requirements-peer.in
	$(COMPILE) -o requirements-node.txt requirements-node.in

clean:
	rm -rf .venv .venv-bench .venv-peer .venv-node build dist *.egg-info .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
