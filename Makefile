# intr-discover: `make` lists what there is. Nothing but Python 3.11 or newer and make is needed.

VENV := .venv
PYTHON_IN := $(VENV)/bin/python
INTR := $(VENV)/bin/intr-discover
REPORT := report
DEMO_MODEL := build/demo-model
# Tests side by side, each on one thread: two threads a process would only wait for each other.
TESTS := OMP_NUM_THREADS=1 $(PYTHON_IN) -m pytest -n auto --maxprocesses 4 --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help setup test demo app docs notebooks demo-model bench neighbours lint clean clean-all

help: ## this list
	@echo 'intr-discover: which visual attributes separate look-alike species?'
	@echo
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | \
	    while IFS="$$(printf '\t')" read -r name purpose; do printf '  make %-10s %s\n' "$$name" "$$purpose"; done

setup: ## make .venv and install everything into it (done by the others when needed)
	@sh scripts/setup.sh $(VENV)

test: setup ## run the tests (some minutes)
	@sh scripts/chromium.sh
	$(TESTS) -m "not slow"

demo: setup ## discover what tells the demo's look-alikes apart; writes report/index.html
	$(INTR) discover --out $(REPORT) --overwrite

app: setup ## open the browser app on the demo
	$(INTR) app

notebooks: setup ## run the notebooks anew and keep what they show (some minutes)
	$(PYTHON_IN) scripts/notebooks.py

docs: setup ## build the documentation; writes build/docs/docs/index.html
	$(PYTHON_IN) -m sphinx -c docs -b html --fail-on-warning --quiet . build/docs

neighbours: ## make .venv-neighbours with CaBRNet, for ProtoPNet and ProtoTree
	@sh scripts/neighbours.sh

demo-model: setup ## draw specimens and train the demo's model anew (about 12 minutes on two cores)
	rm -rf $(DEMO_MODEL)
	$(INTR) rings $(DEMO_MODEL)/specimens --per-class 150 --size 160 --seed 1
	$(INTR) train $(DEMO_MODEL)/specimens --out $(DEMO_MODEL)/run --config scripts/demo_model.yaml --device cpu
	mkdir -p intr_discover/demo_model
	cp $(DEMO_MODEL)/run/config.json $(DEMO_MODEL)/run/model.safetensors intr_discover/demo_model/

bench: setup ## measure speed and memory (25 minutes); OFFICIAL=… RISE=… compare with those checkouts
	$(PYTHON_IN) -m benchmarks.speed $(if $(OFFICIAL),--official "$(OFFICIAL)") $(if $(RISE),--rise "$(RISE)") \
	    $(if $(LEEDS_RUN),--leeds-run "$(LEEDS_RUN)" --leeds-data "$(LEEDS_DATA)")

lint: setup ## check style, types and security
	$(PYTHON_IN) -m ruff check .
	$(PYTHON_IN) -m ruff format --check .
	$(PYTHON_IN) -m mypy
	$(PYTHON_IN) -m bandit --quiet --configfile pyproject.toml --recursive intr_discover apps data_prep

clean: ## remove caches and what `make demo` wrote
	rm -rf $(REPORT) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

clean-all: clean ## remove the environment .venv as well
	rm -rf $(VENV) .venv-neighbours
