#!/usr/bin/env bash
# Rebuild and reload on every change (a debug build: compiles sooner, answers slower).
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. scripts/tools.sh

say "Checking the tools of the build:"
need_build_tools
if [ -z "${DATABASE_URL:-}" ]; then need_postgres; fi
say "The console will be at http://127.0.0.1:3000, with demo data (olivia@acme.test / correct-horse-battery). Ctrl-C stops it."
exec cargo leptos watch -- serve --demo "$@"
