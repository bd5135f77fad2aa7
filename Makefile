# The habits of this project. Each is a script in scripts/, so that it can be read, run and tested without make.

.DEFAULT_GOAL := help
.PHONY: help run dev build test check generate sqlx bench sizes seed ha

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

run: ## the console with demo data at http://127.0.0.1:3000; installs what is missing, builds, starts
	@exec bash scripts/run.sh

dev: ## the same, rebuilt and reloaded on every change
	@exec bash scripts/dev.sh

build: ## the optimised build alone: target/release/roster and target/site
	@exec bash scripts/build.sh

test: ## every test; ONLY=checks, ONLY=rust or ONLY=browser for a part
	@exec bash scripts/test.sh $(ONLY)

check: ## formatting, spelling, links, lints, style sheets, licences: no tests
	@exec bash scripts/test.sh checks

generate: ## write everything that is generated anew: .sqlx, docs/permissions.md, docs/openapi.json
	@exec bash scripts/generate.sh write

sqlx: ## write crates/directory/.sqlx alone anew, after a change to SQL or migrations
	@exec bash scripts/sqlx.sh write

sizes: ## the size of the browser's program, written down anew after a change that is meant to change it
	@bash scripts/build.sh && exec node scripts/print-sizes.mjs write

bench: ## the benchmarks, printed as a table; PEERS=1: decisions beside Cerbos' and better-auth's
	@exec bash scripts/bench.sh $(if $(PEERS),peers)

seed: ## a large customer's data for the empty, migrated database in DATABASE_URL; SIZES='--people=20000 ...'
	@exec bash scripts/seed.sh $(SIZES)

ha: ## PostgreSQL fails over ten times under load (Patroni); HA_ASYNC=1 shows what asynchronous replication loses
	@exec bash scripts/ha.sh
