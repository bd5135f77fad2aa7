#!/usr/bin/env bash
# seed.sh [--SIZE=N...]: fills the database in DATABASE_URL, which `roster migrate` made and nobody is in, with a large customer's
# data (bench/seed/README.md).
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. scripts/tools.sh

[ -n "${DATABASE_URL:-}" ] || die "Set DATABASE_URL to the address of a database that was migrated and is empty otherwise."
need_node
need_node_packages
node bench/seed/seed.mjs "$@"
