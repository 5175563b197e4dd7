# Impetus: make demo, make test. See README.md.
# Wanted on the machine: Python 3.11 or newer, a stable Rust toolchain, make. All else is installed into .venv.

PYTHON ?= python3
BIN := .venv/bin
ENGINE := correlator/engine
RUST := $(shell find $(ENGINE) -name target -prune -o \( -name '*.rs' -o -name 'Cargo.*' \) -print)
UV := uv==0.13.9
FUZZ_SECONDS ?= 300
APART := tests/app tests/scenarios tests/packaging tests/benchmarks
INDEXED := tests/app/test_indexed_run.py

.PHONY: demo picture test lint format bench bench-engine soak fuzz proto lock clean check-tools

demo: .venv/ready
	@$(BIN)/impetus demo

# The picture in the README: the console on the demo, as Textual draws it.
picture: .venv/ready
	@$(BIN)/impetus demo --picture docs/console.svg

test: .venv/ready lint
	cargo test --quiet --manifest-path $(ENGINE)/Cargo.toml --workspace --exclude impetus-python --no-run
	$(BIN)/impetus rules lint
	$(BIN)/impetus rules test
	@# All at once: tests in Python wait for servers and children half of their time. Those of one half alone need the
	@# development stack.
	@status=0; \
	PROPTEST_RNG_SEED=1 cargo test --quiet --manifest-path $(ENGINE)/Cargo.toml --workspace --exclude impetus-python & \
	  engine=$$!; \
	$(BIN)/pytest -q -m "not soak" $(APART) --ignore $(INDEXED) & apart=$$!; \
	$(BIN)/pytest -q -m "not soak" $(INDEXED) $(filter-out $(APART:%=%/) %__pycache__/,$(wildcard tests/*/)) || status=$$?; \
	wait $$apart || status=$$?; wait $$engine || status=$$?; exit $$status

lint: .venv/ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	cargo fmt --check --manifest-path $(ENGINE)/Cargo.toml --all
	cargo clippy --quiet --manifest-path $(ENGINE)/Cargo.toml --workspace --all-targets -- -D warnings

format: .venv/ready
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	cargo fmt --manifest-path $(ENGINE)/Cargo.toml --all

bench: .venv/ready
	$(BIN)/python -m benchmarks.pipeline
	$(BIN)/python -m benchmarks.store
	$(BIN)/python -m benchmarks.load

# The matching engine beside RSigma and beside parsing alone, into benchmarks/RESULTS.md: 15 minutes, and the first time
# the builds. Wants ../shared/bench; RSigma a nightly toolchain, counting instructions valgrind.
bench-engine: .venv/ready
	$(BIN)/python -m benchmarks.engine --write

soak: .venv/ready fuzz
	PROPTEST_CASES=1000000 cargo test --release --manifest-path $(ENGINE)/Cargo.toml --package impetus-windows --test replay
	PROPTEST_CASES=1000000 cargo test --release --manifest-path $(ENGINE)/Cargo.toml --package impetus-matcher --test semantics
	PROPTEST_CASES=1000000 cargo test --release --manifest-path $(ENGINE)/Cargo.toml --package impetus-matcher --lib both_paths_agree
	HYPOTHESIS_PROFILE=explore FUZZ_SECONDS=$(FUZZ_SECONDS) $(BIN)/pytest -m soak

# Coverage-guided fuzzing of the engine, each target for so long. Needs a nightly toolchain and cargo-fuzz.
fuzz:
	@if cargo +nightly fuzz --version >/dev/null 2>&1; then \
	  for target in event form state; do \
	    mkdir -p $(ENGINE)/fuzz/corpus/$$target && (cd $(ENGINE) && cargo +nightly fuzz run $$target fuzz/corpus/$$target hostile/seeds/$$target \
	      -- -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 -max_len=8192) || exit 1; \
	  done; \
	else echo "Not fuzzed: cargo +nightly fuzz is missing (rustup toolchain install nightly; cargo install cargo-fuzz)"; fi

# Set up: the virtual environment from the lock file, then the native engine built into it.
.venv/ready: .venv/locked pyproject.toml $(RUST)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

.venv/locked: requirements.lock | check-tools
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet $(UV)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --requirement requirements.lock
	@touch $@

check-tools:
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is missing: apt-get install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed, not $$($(PYTHON) -V): apt-get install python3.11 python3.11-venv, then make PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "Python's venv is missing: apt-get install python3-venv"; exit 1; }
	@command -v cargo >/dev/null || { echo "Rust is missing: apt-get install rustup && rustup default stable"; exit 1; }
	@command -v cc >/dev/null || { echo "A C linker is missing: apt-get install build-essential"; exit 1; }

# The lock file: every dependency, extra and tool, with hashes.
lock:
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --python-version 3.11 \
	  --extra net --extra demo --extra otlp --extra pipelines --extra cluster --group dev pyproject.toml --output-file requirements.lock

proto: .venv/ready
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m grpc_tools.protoc -I. --python_out=. --grpc_python_out=. --mypy_out=. --mypy_grpc_out=. impetus/api/v1/impetus.proto

clean:
	rm -rf .venv $(ENGINE)/target
