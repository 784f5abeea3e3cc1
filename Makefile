# The two commands: `make demo` runs the main job, `make test` the tests. Needs Python 3.11, git and make.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= $(or $(shell command -v python3.11 2>/dev/null),python3)
UV := $(or $(shell command -v uv 2>/dev/null),.uv/bin/uv)
VENV := .venv/bin
INSTALLED := .venv/.installed

.PHONY: help install demo first-model up down status test test-clients test-durability test-demo test-diagnosis bench-start bench-control bench-idle bench-noop bench-trial-start bench-tuning bench-training bench-input bench-accuracy bench-sampler bench-rules bench-hook bench-gateway bench-predict bench-endpoint bench-soak check format openapi clean

help:  ## Lists the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

install: $(INSTALLED)  ## Installs everything of uv.lock into .venv (the service, local_sagemaker, torch, the test tools)

.uv/bin/uv:
	$(PYTHON) -m venv .uv
	.uv/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.9

$(INSTALLED): pyproject.toml uv.lock | $(filter .uv/bin/uv,$(UV))
	$(UV) sync --frozen --extra local --python $(PYTHON)
	@touch $@

demo: $(INSTALLED)  ## Runs the main job over REST on this machine: draw data, tune, train, deploy, predict
	$(VENV)/python -m demo

first-model: $(INSTALLED)  ## Deploys an ImageNet dog classifier, so that /predict names breeds before anything was trained
	$(VENV)/python -m demo.first_model

up: $(INSTALLED)  ## Starts local_sagemaker and the service and leaves them running
	$(VENV)/python -m demo.stack up

down:  ## Stops them; state stays in .state
	@if [ -x $(VENV)/python ]; then $(VENV)/python -m demo.stack down; else echo "Nothing is installed, so nothing runs."; fi

status: $(INSTALLED)  ## Says what runs, and where
	$(VENV)/python -m demo.stack status

test: $(INSTALLED)  ## Runs the tests
	$(VENV)/python -m pytest

test-clients: $(INSTALLED)  ## Runs the tests with real clients, in environments of their own (SageMaker SDKs, boto3, AWS CLI)
	$(VENV)/python -m pytest -m clients tests/clients

test-demo: $(INSTALLED)  ## Runs make demo as a whole, and checks what it says
	$(VENV)/python -m pytest -m demo tests/e2e

test-durability: $(INSTALLED)  ## Runs the tests that take minutes: random crashes, killed training, several hosts, a full disk, 200 jobs, a clock that jumps
	$(VENV)/python -m pytest -m durability -n 0

test-diagnosis: $(INSTALLED)  ## Trains with the project's own script, healthy and with faults, and checks what the rules say
	$(VENV)/python -m pytest -m diagnosis -n 0

bench-start: $(INSTALLED)  ## Measures how long the service takes until it answers
	$(VENV)/python -m benchmarks.start_up

bench-control: $(INSTALLED)  ## Measures DescribeTrainingJob and ListTrainingJobs with 1,000 jobs beside moto_server
	$(VENV)/python -m benchmarks.control_plane

bench-idle: $(INSTALLED)  ## Measures what 1,000 jobs that have ended cost while nobody asks
	$(VENV)/python -m benchmarks.idle_cost

bench-noop: $(INSTALLED)  ## Measures what a training job takes beyond its script's own time
	$(VENV)/python -m benchmarks.noop_job

bench-tuning: $(INSTALLED)  ## Measures a tuning job of nine trials beside the plain loop of the public solutions (half an hour)
	$(VENV)/python -m benchmarks.tuning

bench-training: $(INSTALLED)  ## Measures a full fine-tune of ResNet18 beside the plain fp32 loop (a quarter of an hour)
	$(VENV)/python -m benchmarks.training

bench-trial-start: $(INSTALLED)  ## Measures the CPU time of a tuning job's trial until it has trained
	$(VENV)/python -m benchmarks.trial_start

bench-accuracy: $(INSTALLED)  ## Measures what the recipes reach on real photographs (DATA=the folder hymenoptera_data)
	$(VENV)/python -m benchmarks.accuracy $(or $(DATA),hymenoptera_data)

bench-input: $(INSTALLED)  ## Measures a channel of 10,000 objects and a log of a million lines
	$(VENV)/python -m benchmarks.training_input

bench-sampler: $(INSTALLED)  ## Measures what sampling a job's system metrics costs, beside psutil
	$(VENV)/python -m benchmarks.sampler

bench-rules: $(INSTALLED)  ## Measures how fast Debugger rules read tensors, beside smdebug's reader, and 10,000 saved steps
	$(VENV)/python -m benchmarks.rule_evaluation

bench-hook: $(INSTALLED)  ## Measures what saving tensors costs a training step
	$(VENV)/python -m benchmarks.debugger_hook

bench-predict: $(INSTALLED)  ## Measures POST /predict from end to end, beside LitServe and SageMaker's PyTorch handler
	$(VENV)/python -m benchmarks.predict

bench-endpoint: $(INSTALLED)  ## Measures an endpoint's start, memory and decoding, and what fails when workers are killed
	$(VENV)/python -m benchmarks.endpoint

bench-soak: $(INSTALLED)  ## Measures how memory grows in ten minutes at 32 clients
	$(VENV)/python -m benchmarks.soak

bench-gateway: $(INSTALLED)  ## Measures what /predict adds to an endpoint, beside a FastAPI route that calls boto3
	$(VENV)/python -m benchmarks.gateway

check: $(INSTALLED)  ## Format, lint, types, import directions
	$(VENV)/ruff format --check .
	$(VENV)/ruff check .
	$(VENV)/mypy
	cd training && ../$(VENV)/mypy --strict .
	cd inference && ../$(VENV)/mypy --strict .
	$(VENV)/lint-imports

format: $(INSTALLED)  ## Formats the code and mends what the linter can
	$(VENV)/ruff format .
	$(VENV)/ruff check --fix .

openapi: $(INSTALLED)  ## Writes openapi/openapi.json anew
	$(VENV)/python -m openapi.generate

clean: down  ## Stops the stack and deletes its state and the installation
	rm -rf .state .venv .uv .clients .mypy_cache .ruff_cache .pytest_cache .hypothesis
