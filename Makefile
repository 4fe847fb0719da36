# Everything from a fresh clone with nothing but python3 (3.11 or later) and PyPI.
# Programs run as modules of .venv's Python: scripts with a shebang break under a path with spaces.
PY := .venv/bin/python
DIRS := hub schema connectors auth policies tests bench examples
PORT ?= 8000
DIR ?= .demo

.PHONY: help demo test test-all bench check lint wheel clean
.DEFAULT_GOAL := help

help:
	@echo "make demo      start the demonstration city and the hub (PORT=8000 DIR=.demo)"
	@echo "make test      the tests, without the slow ones"
	@echo "make test-all  all tests"
	@echo "make lint      format, lint, import contracts, types"
	@echo "make check     what continuous integration runs"
	@echo "make bench     the benchmarks; writes bench/results.json"
	@echo "make wheel     build the wheel into dist/ and try it in an environment of its own"

.venv/.ready: pyproject.toml uv.lock .ci/setup
	@sh .ci/setup

demo: .venv/.ready
	@exec $(PY) -m hub demo --port "$(PORT)" --dir "$(DIR)"

test: .venv/.ready
	@$(PY) -m pytest -n 2 --dist worksteal -m "not slow"

test-all: .venv/.ready
	@$(PY) -m pytest -n 2 --dist worksteal

bench: .venv/.ready
	@exec $(PY) -m bench.run

lint: .venv/.ready
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(PY) -c "from importlinter.cli import lint_imports_command; lint_imports_command()"
	@$(PY) -m mypy

check:
	@.ci/run

wheel: .venv/.ready
	@bash .ci/wheel

clean:
	rm -rf .venv .venv-tools .venv-wheel .demo dist build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
