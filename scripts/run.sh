#!/usr/bin/env bash
# From a fresh checkout to a running console with demo data.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. scripts/tools.sh

if [ ! -x target/release/roster ]; then
    say "Roster: the first run installs what is missing and compiles everything, 10 to 25 minutes on two cores. Later ones start in seconds."
fi
bash scripts/build.sh

# With a database given there is none to start.
where="the database of DATABASE_URL"
if [ -z "${DATABASE_URL:-}" ]; then
    need_postgres
    where=${ROSTER_DATA:-.roster}
fi

cat <<TEXT

  Roster: ${ROSTER_URL:-http://${ROSTER_ADDR:-127.0.0.1:3000}}

  Sign in as the Owner    olivia@acme.test
  or as a Member          maya@acme.test
  password                correct-horse-battery

  Ctrl-C stops it. The data is kept in $where.

TEXT
exec target/release/roster serve --demo "$@"
