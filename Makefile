# make lab        set up once, then open the course in JupyterLab (PORT=8888, BROWSER=none for servers)
# make test       set up once, then run the unit tests and every notebook at the budget `smoke`
# make colab-test install the package as Colab would, beside Colab's versions, and run every notebook there
# make slides     a deck of slides for every notebook, in build/slides (NB=08 for one)
# make site       the course as a web site, in build/site
# make browser-test  run the notebooks' widgets in a headless Chromium (skipped where there is none)
# make notebooks  execute the notebooks at `lesson` and store their outputs (NB=08 for one)
# make check      lint and format check of package, tests and notebooks
# make results    run the scripts in benchmarks/ whose stored numbers are shown, and write them into README and docs/
# make results-long  the same for those that take an hour and more on a CPU
# make bench      measure speed, start-up and faults on this machine, and write them into README and docs/
#                 (all three download MNIST, names and text once, where they are not at hand)
# make colab      REPO=owner/name: write the repository's address into badges and bootstrap cells

PYTHON ?= python3
PORT ?= 8888
BIN = .venv/bin
STARTED := $(shell date +%s)
NBVAL = --nbval-lax --nbval-current-env --nbval-cell-timeout=60
ROOT_FLAG = $(if $(filter 0,$(shell id -u)),--allow-root)
BROWSER_FLAG = $(if $(filter none,$(BROWSER)),--no-browser)

.PHONY: setup lab test browser-test colab-test slides site notebooks check colab results results-long bench

setup: .venv/.ready

.venv/.ready: pyproject.toml constraints.txt
	@$(PYTHON) tools/setup_env.py

lab: setup
	$(BIN)/jupyter lab --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb --port=$(PORT) $(BROWSER_FLAG) $(ROOT_FLAG)

test: setup
	@folder=$$(mktemp -d); \
	COURSE_BUDGET=smoke COURSE_PROGRESS=$$folder/progress.json COURSE_MODELS=$$folder MPLBACKEND=agg \
		$(BIN)/python -m pytest tests notebooks $(NBVAL) --ignore=tests/browser --ignore=tests/colab --durations=5 -q; \
	status=$$?; rm -rf $$folder; \
	echo "make test took $$(($$(date +%s) - $(STARTED))) s"; exit $$status

.venv/.browser: .venv/.ready
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e ".[browser]"
	@touch $@

.venv/.docs: .venv/.ready docs/package-lock.json
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e ".[docs]"
	@PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --prefix docs --ignore-scripts --no-audit --no-fund --silent
	@touch $@

slides: .venv/.docs
	$(BIN)/python tools/slides.py $(NB)

site: .venv/.docs
	$(BIN)/python tools/website.py

colab-test: setup
	$(BIN)/python -m pytest tests/colab --confcutdir=tests/colab -v

browser-test: .venv/.browser site
	MPLBACKEND=agg $(BIN)/python -m pytest tests/browser -q -rP

notebooks: setup
	$(BIN)/python tools/notebooks.py run $(NB)
	$(BIN)/python tools/slides.py stamp $(NB)
	$(BIN)/python tools/pages.py

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

colab: setup
	$(BIN)/python tools/notebooks.py colab "$(REPO)"

results: setup
	$(BIN)/python benchmarks/widgets.py
	$(BIN)/python benchmarks/vae_mnist.py
	$(BIN)/python benchmarks/start_here.py
	$(BIN)/python benchmarks/joint_space.py
	$(BIN)/python benchmarks/thousand_digits.py
	$(BIN)/python benchmarks/names_bigram.py
	$(BIN)/python benchmarks/names_mlp.py
	$(BIN)/python benchmarks/char_gpt.py
	$(BIN)/python benchmarks/oracles.py
	$(BIN)/python benchmarks/dcgan_rules.py
	$(BIN)/python benchmarks/conditional_gan.py
	$(BIN)/python benchmarks/translation.py
	$(BIN)/python benchmarks/conditional_faces.py
	$(BIN)/python benchmarks/gan_ring.py
	$(BIN)/python benchmarks/remedies.py
	$(BIN)/python benchmarks/stacked_mnist.py
	$(BIN)/python benchmarks/pacgan_protocol.py
	$(BIN)/python benchmarks/pretext_tasks.py
	$(BIN)/python benchmarks/autoencoders.py
	$(BIN)/python benchmarks/rate_distortion.py
	$(BIN)/python benchmarks/collapse.py
	$(BIN)/python benchmarks/disentanglement.py
	$(BIN)/python benchmarks/conditional_digits.py
	$(BIN)/python benchmarks/semi_supervised.py
	$(BIN)/python benchmarks/text_vae.py
	$(BIN)/python tools/pages.py

results-long: setup
	$(BIN)/python benchmarks/iwae.py
	$(BIN)/python benchmarks/vae_binary.py
	$(BIN)/python tools/pages.py

# The start comes first: it times tests that compare the pages with the numbers stored so far.
bench: setup
	$(BIN)/python benchmarks/start.py
	$(BIN)/python benchmarks/speed.py
	$(BIN)/python benchmarks/faults.py
	$(BIN)/python benchmarks/gpu.py
	$(BIN)/python tools/pages.py
