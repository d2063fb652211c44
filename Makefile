# Everything that a person or a CI needs to run. `make` alone lists it.
# Only make and Python >= 3.11 are needed; uv is used where it is installed, because it is faster.

VENV  := .venv
BIN   := $(VENV)/bin
# The stamp is named for what is installed, so a changed lock installs again and a mere checkout does not.
STAMP := $(VENV)/.installed-$(shell cat pyproject.toml requirements/dev.txt | cksum | cut -d ' ' -f 1)
# The first of these that is at least 3.11; `make PYTHON=/path/to/python ...` names another.
PYTHON := python3 python3.14 python3.13 python3.12 python3.11

# Without bytecode on disk, each of the many processes would compile every library anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test coverage bench soak bundle format lock clean

help: ## List these commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1|\2/p' $(MAKEFILE_LIST) | awk -F '|' '{ printf "%-12s %s\n", $$1, $$2 }'

demo: $(STAMP) ## A scripted agent against the sandbox: answered, masked, refused, approved, journaled
	@$(BIN)/snowgate demo

test: $(STAMP) ## Everything that must hold: style, types, imports, tests, coverage
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n auto --dist loadfile --no-loadscope-reorder --durations 20
	@$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --fail-under=100

coverage: $(STAMP) ## The tests once more, and which lines of everything they reach
	$(BIN)/coverage erase
	SNOWGATE_COVERAGE_OF_ALL=1 $(BIN)/coverage run --source server,tools,policy,audit -m pytest -n auto --dist loadfile --no-loadscope-reorder
	@$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

bench: $(STAMP) ## What governance costs, side by side with the bare driver and an unguarded server
	@$(BIN)/python -m tests.bench --markdown docs/BENCHMARKS.md --json docs/benchmarks.json

soak: $(STAMP) ## Mixed traffic for an hour while one thing after the other goes wrong, and the count of what must hold
	@$(BIN)/python -m tests.soak 60

bundle: $(STAMP) ## The .mcpb bundle for desktop clients, validated and packed by the official program (needs Node)
	@$(BIN)/python -m tests.mcpb

format: $(STAMP) ## Rewrite the sources in the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(STAMP) ## Lock the newest allowed dependencies, with hashes (needs uv)
	uv lock --upgrade
	uv export $(EXPORT) --output-file requirements/dev.txt
	uv export $(EXPORT_RUN) --output-file requirements/run.txt
	uv export $(EXPORT_BUILD) --output-file requirements/build.txt
	uv export $(EXPORT_RUN) --format cyclonedx1.5 --preview-features sbom-export | $(BIN)/python -c "$$TIMELESS" > requirements/run.cdx.json

# A bill of materials that is the same whenever it is made; the hashes are in requirements/run.txt.
define TIMELESS
import json, sys
bill = json.load(sys.stdin)
del bill["serialNumber"], bill["metadata"]["timestamp"]
for each in bill["components"]:
    each.pop("externalReferences", None)
print(json.dumps(bill, indent=1, sort_keys=True))
endef
export TIMELESS

# A house test runs the same exports and compares: what a checkout needs, what production needs, what makes the wheel.
EXPORT := --frozen --all-extras --all-groups --no-group fuzz --no-emit-project --no-header --no-annotate --quiet
EXPORT_RUN := --frozen --extra otel --no-default-groups --no-emit-project --no-header --no-annotate --quiet
EXPORT_BUILD := --frozen --only-group build --no-emit-project --no-header --no-annotate --quiet

clean: ## Remove the environment, the sandbox's state and every cache
	rm -rf $(VENV) .snowgate .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist htmlcov
	rm -f .coverage .coverage.*

$(STAMP): pyproject.toml requirements/dev.txt
	@# Bytecode is made for what is used, when it is used: installing takes a quarter less time without.
	@set -e; python=; \
	for candidate in $(PYTHON); do \
	  if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python="$$candidate"; break; fi; \
	done; \
	if [ -z "$$python" ]; then echo "snowgate needs Python 3.11 or newer" >&2; exit 1; fi; \
	rm -f $(VENV)/.installed-*; \
	if command -v uv >/dev/null; then \
	  echo "installing into $(VENV) with uv"; \
	  [ -x $(BIN)/python ] || uv venv --quiet --python "$$(command -v "$$python")" $(VENV); \
	  install="env VIRTUAL_ENV=$(VENV) uv pip install --quiet"; \
	else \
	  echo "installing into $(VENV) with pip; the first time takes a minute"; \
	  [ -x $(BIN)/pip ] || "$$python" -m venv $(VENV) || { echo "on Debian: apt-get install python3-venv" >&2; exit 1; }; \
	  install="$(BIN)/pip install --quiet --disable-pip-version-check --no-input --no-compile"; \
	fi; \
	$$install --require-hashes -r requirements/dev.txt; \
	$$install --no-deps --no-build-isolation --editable .
	@touch $@
