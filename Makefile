# `make run` and `make test` need Linux or macOS with Python 3.11 or newer and make, nothing else.
# They heed PORT, BIND, PUBLIC_URL, DATABASE_URL, REDIS_URL and DATA_DIR: see docs/operations.md.

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help run test test-faults check format assets bench lock docker-config-check clean clean-data

# The wheels that bring PostgreSQL and Redis exist for 3.11 and 3.12: prefer these to a newer `python3`.
PYTHON ?= $(or $(shell for python in python3 python3.12 python3.11; do \
	$$python -c 'import ensurepip, sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null \
	&& echo $$python && break; done),python3)
BIN := .venv/bin
# -qq hides remarks about the set-up of this machine; what is imported gets compiled then.
INSTALL := $(BIN)/python -m pip --disable-pip-version-check install -qq --no-compile --no-deps --require-hashes
# Companies' own certificates are known to the system, not to Node.
NPM := NODE_OPTIONS=--use-system-ca $(BIN)/npm --loglevel=error --no-update-notifier
APPS := accounts cs_platform health integrations playbooks successmaps team
ASSET_SOURCES := build.mjs $(shell find static/src templates $(APPS) -name '*.pyc' -o -type f -print)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-20s %s\n", $$1, $$2 }' Makefile

run: .venv/local.stamp static_root/.stamp ## the whole product with a demo, at http://localhost:8000
	@exec $(BIN)/python manage.py run

test: .venv/dev.stamp static_root/.stamp tests/sdk/node_modules/.stamp ## the whole suite on real servers of its own; ARGS="tests/health -x"
	@REQUIRE_SDKS=1 $(BIN)/python -m pytest $(ARGS)

test-faults: .venv/dev.stamp ## workers, Redis and connections killed at random, many times over
	@FAULT_SEEDS=$${FAULT_SEEDS:-50} FAULT_ROWS=$${FAULT_ROWS:-300} FAULT_EVENTS=$${FAULT_EVENTS:-200000} \
		FAULT_KILLS=$${FAULT_KILLS:-40} $(BIN)/python -m pytest -s tests/team/faults tests/health/faults $(ARGS)

check: .venv/dev.stamp static_root/.stamp ## style, types, layers, migrations, settings for production
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --quiet --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache > .venv/layers.txt || { cat .venv/layers.txt; exit 1; }
	$(BIN)/python manage.py makemigrations --check --dry-run
	PUBLIC_URL=https://cs.example.com SECRET_KEY="$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(50))')" \
		$(BIN)/python manage.py check --deploy --fail-level WARNING

format: .venv/dev.stamp ## the code in the one style
	-$(BIN)/ruff check --quiet --fix .
	$(BIN)/ruff format --quiet .

assets: static_root/.stamp ## styles and scripts, built and collected

bench: .venv/dev.stamp static_root/.stamp ## speeds on generated data; ARGS="--accounts 10000 --events 2000000"
	@$(BIN)/python -m bench $(ARGS)

docker-config-check: ## whether Docker accepts docker-compose.yml
	PUBLIC_URL=https://cs.example.com SECRET_KEY=x POSTGRES_PASSWORD=x REDIS_PASSWORD=x docker compose config --quiet

lock: .venv/local.stamp ## the newest versions that pyproject.toml and package.json allow
	@$(PYTHON) -m venv .venv/lock && .venv/lock/bin/python -m pip install -qq uv
	@lock() { name=$$1; shift; .venv/lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
		--generate-hashes --no-header "$$@" -o requirements/$$name.lock pyproject.toml; }; \
		lock server && lock local --extra local && lock dev --extra local --extra dev
	@$(NPM) install --package-lock-only --ignore-scripts > /dev/null
	@$(NPM) install --package-lock-only --ignore-scripts --prefix tests/sdk > /dev/null

clean: ## all that was built, gone; the data stays
	rm -rf .venv node_modules tests/sdk/node_modules static/dist static_root .pytest_cache .mypy_cache .ruff_cache .hypothesis htmlcov .coverage

clean-data: .venv/local.stamp ## the embedded servers' data, gone
	@$(BIN)/python -c 'from cs_platform import env, servers; servers.destroy(data_dir=env.data_dir())'

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo 'Python 3.11 or newer is needed; name one with: make PYTHON=/path/to/python3.12 ...'; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
		{ echo 'This Python has no venv module; on Debian: apt install python3-venv'; exit 1; }
	@$(PYTHON) -m venv .venv

.venv/local.stamp: requirements/local.lock | .venv/bin/python
	@echo 'Installing the locked packages; the first time takes about a minute.'
	@$(INSTALL) -r requirements/local.lock
	@touch $@

.venv/dev.stamp: requirements/dev.lock | .venv/bin/python
	@echo 'Installing the locked packages and tools; the first time takes about a minute.'
	@$(INSTALL) -r requirements/dev.lock
	@touch .venv/local.stamp $@

node_modules/.stamp: package-lock.json
	@test -e .venv/local.stamp || $(MAKE) .venv/local.stamp
	@$(NPM) ci --ignore-scripts > /dev/null
	@touch $@

tests/sdk/node_modules/.stamp: tests/sdk/package-lock.json | .venv/dev.stamp
	@$(NPM) ci --ignore-scripts --prefix tests/sdk > /dev/null
	@touch $@

static_root/.stamp: node_modules/.stamp $(ASSET_SOURCES)
	@echo 'Building styles and scripts.'
	@PATH="$$PWD/$(BIN):$$PATH" $(BIN)/node build.mjs > .venv/assets.log || { cat .venv/assets.log; exit 1; }
	@$(BIN)/python manage.py collectstatic --ignore src --no-input --clear --verbosity 0
	@touch $@
