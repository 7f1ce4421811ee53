# Everything runs from a virtual environment that the first target makes by itself.
PYTHON ?= python3
VENV ?= .venv
WORKSPACE ?= workspace
DEMO ?= demo-world
RECIPE ?= pipelines/scratch.toml
TRACK ?=
JOBS ?= 2

BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
AUDIOREC := $(BIN)/audiorec --workspace "$$IN_WORKSPACE"

# Names go to the shell as they were given, by way of its environment: in a recipe's text it would
# take their quotes and dollars for its own.
export IN_WORKSPACE := $(value WORKSPACE)
export IN_DEMO := $(value DEMO)
export BY_RECIPE := $(value RECIPE)
export OF_TRACK := $(value TRACK)

.DEFAULT_GOAL := help
.PHONY: help install demo test check format train similar playlists refresh-playlists evaluate notebooks bench clean

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## */\t/' | expand -t 20
	@echo
	@echo "Settings: WORKSPACE=$$IN_WORKSPACE RECIPE=$$BY_RECIPE DEMO=$$IN_DEMO TRACK=name"

$(STAMP): setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[demo,notebooks,dev]'
	@touch $@

install: $(STAMP)  ## Create the virtual environment and install everything

demo: $(STAMP)  ## Make a demo world of music and listeners, and run everything on it
	$(AUDIOREC) demo "$$IN_DEMO"
	$(AUDIOREC) scan --recipe "$$BY_RECIPE" --manifest "$$IN_DEMO/tracks.csv"
	$(AUDIOREC) plays "$$IN_DEMO/plays.csv"
	$(AUDIOREC) run "$$BY_RECIPE"
	$(AUDIOREC) add "$$IN_DEMO/held_back"
	for file in "$$IN_DEMO"/held_back/*/*; do $(AUDIOREC) similar -k 8 -- "$$file" || exit 1; done
	$(AUDIOREC) recommend "$$(sed -n 2p "$$IN_DEMO/plays.csv" | cut -d, -f1)" -k 8
	$(AUDIOREC) playlist --length 12 -o "$$IN_WORKSPACE/playlists/demo.m3u8" -- "$$IN_DEMO"/held_back/*/new1_*
	$(AUDIOREC) evaluate --seed 0
	$(AUDIOREC) status

test: $(STAMP)  ## Run the tests, the small notebooks included
	$(BIN)/python -m pytest --numprocesses=$(JOBS) --dist=loadfile

check: $(STAMP)  ## Lint, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)  ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

train: $(STAMP)  ## Run every stage of RECIPE that is stale
	$(AUDIOREC) run "$$BY_RECIPE"

similar: $(STAMP)  ## Show the neighbours of TRACK
	@test -n "$$OF_TRACK" || { echo "name a track or a file: make similar TRACK='Artist - Title'"; exit 2; }
	$(AUDIOREC) similar -- "$$OF_TRACK"

refresh-playlists: $(STAMP)  ## Make or renew the saved playlists
	$(AUDIOREC) playlists refresh

playlists: $(STAMP)  ## Write a playlist that starts from TRACK
	@test -n "$$OF_TRACK" || { echo "name a track or a file: make playlists TRACK='Artist - Title'"; exit 2; }
	$(AUDIOREC) playlist --length 25 -- "$$OF_TRACK"

evaluate: $(STAMP)  ## Score the recipe on held-out artists, beside baselines and oracles
	$(AUDIOREC) evaluate --recipe "$$BY_RECIPE"

notebooks: $(STAMP)  ## Run the notebooks in place
	$(BIN)/python -m pytest tests/integration/test_notebooks.py -q

bench: $(STAMP)  ## Measure speed against named references, into docs/benchmarks.md
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	$(BIN)/python -m pytest tests/benchmarks -m benchmark -q -s
	$(BIN)/python tests/benchmarks/benching.py

clean:  ## Remove the virtual environment and caches (never a workspace or a demo world)
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
