# What a person types; `make` alone lists it. Everything else is cargo.
SHELL := bash
TARGET := $(or $(CARGO_TARGET_DIR),target)
DEVSTACK := $(TARGET)/debug/devstack
# Where `make deps` puts a newer Node.js than the machine's, should the pages need one.
export PATH := $(abspath $(TARGET))/tools/node/bin:$(PATH)
.DEFAULT_GOAL := help
.PHONY: help deps pages build up down reset test lint fmt bench chaos conformance h2spec fuzz images push k8s-check k8s-test

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-11s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deps: ## Install what this machine lacks (what builds or tests does it as well)
	@scripts/deps $(MAKECMDGOALS)

pages: deps
	@npm run build --workspace web --silent

build: deps pages
	cargo build --workspace --bins

up: build ## Start the whole store; Ctrl-C stops it
	@exec $(DEVSTACK) up

down: ## Stop the store that `make up` started
	@if [ -x $(DEVSTACK) ]; then $(DEVSTACK) down; else echo "no store was built here"; fi

reset: ## Stop the store and remove all its data
	@if [ -x $(DEVSTACK) ]; then $(DEVSTACK) reset; else rm -rf .devstack; fi

test: deps pages ## Run all tests beside a store of their own; ARGS are cargo test's and leave out the pages
	cargo build --workspace --bins --tests
	$(DEVSTACK) exec -- cargo test --no-fail-fast $(or $(ARGS),--workspace)
ifndef ARGS
	$(DEVSTACK) exec -- npm test --workspace web
endif

lint: deps ## Check format, lints, docs, crates, contract and pages
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps
	scripts/lint-crates
	scripts/lint-contract
	npm run lint --workspace web --silent

fmt: deps ## Format the code
	cargo fmt --all
	npm run format --workspace web --silent

bench: deps ## Measure, print the table and write it to target/bench
	cargo build --release --workspace --bins
	cargo run --release -p tests --bin bench

chaos: deps pages ## Run the store under faults and count what was lost; ARGS='--seed 1 --seconds 60'
	cargo build --workspace --bins
	$(TARGET)/debug/chaos $(ARGS)

conformance: deps ## Run the suite connectrpc/conformance for gRPC and gRPC-Web against the gateway
	cargo build --workspace --bins
	$(TARGET)/debug/protocols conformance $(ARGS)

h2spec: deps pages ## Run the suite h2spec for HTTP/2 against the gateway and a service
	cargo build --workspace --bins
	$(DEVSTACK) exec -- $(TARGET)/debug/protocols h2spec

fuzz: deps ## Fuzz all parsers for 10 minutes each; ARGS='--seconds 60 cookie'
	@scripts/fuzz $(ARGS)

images: ## Build an image of each program with docker, podman or buildah; TAG=dev
	@scripts/images

push: ## Push the images, as REGISTRY/shopmesh/PROGRAM:TAG
	@scripts/images push $(or $(REGISTRY),$(error say where: make push REGISTRY=…))

k8s-check: ## Check what operators apply; needs no cluster
	@scripts/k8s-check

k8s-test: ## Test the store in the cluster of KUBECONFIG; IMAGE_LOAD gives it an image
	@scripts/k8s-test $(ARGS)
