# Every target is a line that calls a tool: what a target does is in that tool.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help venv up down status ssh clean artefact lint test matrix bench

export PATH := $(CURDIR)/.venv/bin:$(PATH)
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
LAB := python -m tools.lab
INVENTORY ?= inventories/local
APP ?= examples/app
VERSION ?= 1.0.0

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

venv: ## Virtual environment from the lock, vendored collections
	@tools/venv && python tools/vendor.py

up: venv ## Machines, site, smoke test, table of URLs (SUITE=trixie|bookworm|sid); again after each change
	@$(LAB) up --inventory $(INVENTORY)

down: venv ## Remove the machines and their network; keys and secrets stay
	@$(LAB) destroy

status: venv ## Show the machines and the URLs
	@$(LAB) status

ssh: venv ## Open a shell on a machine: make ssh HOST=backend1
	@$(LAB) ssh "$(HOST)"

clean: venv ## Remove all labs of this checkout, images that nobody uses, and .lab
	@$(LAB) clean

artefact: venv ## Pack an application: make artefact VERSION=1.0.0 [APP=examples/app] [PYTHONS="3.11 3.13"] [OUT=dist] [FORCE=1]
	@python tools/artefact.py --app $(APP) --version $(VERSION) --pythons "$(PYTHONS)" --out $(or $(OUT),dist) $(if $(FORCE),--force)

lint: venv ## Linters
	@tools/lint

test: venv ## Everything that must pass
	@tools/test

matrix: venv ## The long form: rollouts on each Debian, every application server, twelve backends (hours)
	@tools/test --matrix

bench: venv ## Measure, and write docs/benchmarks.md
	@python tools/bench.py
