# make repro: environment and pipeline.  make test: environment and tests.
PYTHON ?= python3
VENV := .venv
# DVC runs the stages through the shell: their python must be the environment's.
RUN := PATH="$(CURDIR)/$(VENV)/bin:$$PATH"

.PHONY: repro test test-slow lint lock schema help

help:
	@echo "make repro      run the pipeline: data, training, evaluation, report"
	@echo "make test       the tests (about 10 minutes on 2 cores, once installed)"
	@echo "make test-slow  the tests that train for minutes"
	@echo "make lint       ruff and mypy"
	@echo "make lock       resolve the dependencies of pyproject.toml again"
	@echo "make schema     write params.schema.json from the typed parameters"

repro: $(VENV)/.installed
	@$(RUN) python -m reprise.params --check
	@$(RUN) dvc repro

test: $(VENV)/.installed-dev
	@$(RUN) python -m pytest -m "not slow"

test-slow: $(VENV)/.installed-dev
	@$(RUN) python -m pytest -m slow

lint: $(VENV)/.installed-dev
	@$(RUN) ruff check . && $(RUN) ruff format --check . && $(RUN) mypy

schema: $(VENV)/.installed
	@$(RUN) python -m reprise.params > params.schema.json

# --no-deps: the lock names every package, and leaves out a second build of OpenCV.
$(VENV)/.installed: requirements.txt pyproject.toml
	@echo "Installing the locked packages into $(VENV) (about 6 GB, some minutes)"
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --no-deps --require-hashes -r requirements.txt
	@$(VENV)/bin/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.txt
	@$(VENV)/bin/python -m pip install --no-deps --require-hashes -r requirements-dev.txt
	@touch $@

COMPILE := uv pip compile --universal --generate-hashes --python-version 3.11 --quiet \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links pyproject.toml
lock: $(VENV)/.installed-dev
	@$(RUN) $(COMPILE) --upgrade -o requirements.txt
	@$(RUN) $(COMPILE) --extra dev --extra web -c requirements.txt -o requirements-dev.txt
