#!/usr/bin/env bash
# The benchmarks: the optimised server and a throw-away PostgreSQL on this machine; `cargo bench` prints a table.
# Benchmarks are programs (harness = false) that find the server in BASE_URL and its database in DATABASE_URL.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. scripts/tools.sh
. scripts/throwaway.sh

trap throwaway_stop EXIT
trap 'exit 130' INT TERM
bash scripts/build.sh
# Compiled before anything is measured.
cargo bench --workspace --bench '*' --no-run
need_postgres
THROWAWAY_AUTOVACUUM=on throwaway_postgres bench
# shellcheck disable=SC2119 # its arguments are not ours
DATABASE_URL=$(throwaway_url bench) start_server
BASE_URL=$BASE_URL DATABASE_URL=$(throwaway_url bench) SERVER_PID=$SERVER_PID cargo bench --workspace --bench '*' "$@"
