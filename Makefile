# intr-discover: `make` lists what there is. Nothing but Python 3.11 or newer and make is needed.

VENV := .venv
PYTHON_IN := $(VENV)/bin/python
INTR := $(VENV)/bin/intr-discover
DEMO := demo

.DEFAULT_GOAL := help
.PHONY: help setup test demo lint clean clean-all

help: ## this list
	@echo 'intr-discover: which visual attributes separate look-alike species?'
	@echo
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | \
	    while IFS="$$(printf '\t')" read -r name purpose; do printf '  make %-10s %s\n' "$$name" "$$purpose"; done

setup: ## make .venv and install everything into it (done by the others when needed)
	@sh scripts/setup.sh $(VENV)

test: setup ## run the tests (some minutes)
	$(PYTHON_IN) -m pytest -m "not slow"

demo: setup ## train on a few drawn shapes for about a minute, then explain and draw figures
	rm -rf $(DEMO)
	$(PYTHON_IN) -m intr_discover.data.shapes $(DEMO)/shapes --size 192
	$(INTR) train $(DEMO)/shapes --out $(DEMO)/run --epochs 20 --set warmup_epochs=2 \
	    --set image_size=96 --set heads=4 --set encoder_layers=0
	$(INTR) evaluate $(DEMO)/run $(DEMO)/shapes --out $(DEMO)/evaluation
	$(INTR) explain $(DEMO)/run $(DEMO)/shapes/test/*/*-test-02.png --out $(DEMO)/figures
	@echo
	@echo 'Look at the figures in $(DEMO)/figures and the table of results in $(DEMO)/evaluation.'

lint: setup ## check style and types
	$(PYTHON_IN) -m ruff check .
	$(PYTHON_IN) -m ruff format --check .
	$(PYTHON_IN) -m mypy

clean: ## remove caches and what `make demo` wrote
	rm -rf $(DEMO) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

clean-all: clean ## remove the environment .venv as well
	rm -rf $(VENV)
