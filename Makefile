# The hub in two commands: `make run` and `make test`. Needs Python 3.11 or later, make, and a package index.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATA ?= data
PORT ?= 9680

.PHONY: run test test-long check format bench bench-feeds blowup feeds-report quality names lock clean

run: $(VENV)/.run
	$(BIN)/noroshi up --demo --data $(DATA) --port $(PORT)

test: $(VENV)/.test
	$(BIN)/python -m pytest -n auto --dist loadfile -m "not long"

test-long: $(VENV)/.test
	NOROSHI_HYPOTHESIS=long $(BIN)/python -m pytest -n auto --dist loadfile

check: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n auto --dist loadfile -m "not long"

format: $(VENV)/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.test
	$(BIN)/python -m benchmarks $(BENCH)

# Does anything that strangers send take time by the square of its length? A few minutes.
blowup: $(VENV)/.test
	$(BIN)/python -m benchmarks.blowup $(BLOWUP)

# Feeds of a million rows, some ten minutes; --rows 20000 to see that it runs.
bench-feeds: $(VENV)/.test
	$(BIN)/python -m benchmarks.feeds $(BENCH)

# What real snapshots become, into docs/feeds-report.md; NOROSHI_SHARED names the folder that holds feeds/.
feeds-report: $(VENV)/.test
	$(BIN)/python -m tests.snapshots $(REPORT)

# Quality of what the snapshots become, in figures, into docs/quality.md.
quality: $(VENV)/.test
	$(BIN)/python -m tests.snapshots.quality $(QUALITY)

# The names of malware and actors that ship, anew from the galaxies of pymispgalaxies.
names: $(VENV)/.test
	$(BIN)/python -m tests.names.galaxies

# New pins, after a change of pyproject.toml.
lock: $(VENV)/.test
	$(BIN)/python -m pip install --quiet pip-tools
	$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-trusted-host \
		--no-emit-find-links --build-deps-for editable --output-file requirements.lock pyproject.toml
	$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-trusted-host \
		--no-emit-find-links --build-deps-for editable --extra test --output-file requirements-test.lock pyproject.toml

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(VENV)/bin/python requirements.lock pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.test: $(VENV)/.run requirements-test.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-test.lock
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
