# What a person types; `make` alone lists it. Everything else is cargo.
SHELL := bash
TARGET := $(or $(CARGO_TARGET_DIR),target)
DEVSTACK := $(TARGET)/debug/devstack
.DEFAULT_GOAL := help
.PHONY: help deps build up down reset test lint fmt bench

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deps: ## Install what this machine lacks (the others do it as well)
	@scripts/deps

build: deps
	cargo build --workspace --bins

up: build ## Start the whole store; Ctrl-C stops it
	@exec $(DEVSTACK) up

down: ## Stop the store that `make up` started
	@if [ -x $(DEVSTACK) ]; then $(DEVSTACK) down; else echo "no store was built here"; fi

reset: ## Stop the store and remove all its data
	@if [ -x $(DEVSTACK) ]; then $(DEVSTACK) reset; else rm -rf .devstack; fi

test: deps ## Run all tests beside a store of their own; ARGS are cargo test's
	cargo build --workspace --bins --tests
	$(DEVSTACK) exec -- cargo test $(or $(ARGS),--workspace)

lint: deps ## Check format, lints, docs, crates and contract
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps
	scripts/lint-crates
	scripts/lint-contract

fmt: ## Format the code
	cargo fmt --all

bench: deps ## Measure, print the table and write it to target/bench
	cargo build --release --workspace --bins
	cargo run --release -p tests --bin bench
