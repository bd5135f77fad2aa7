# shellcheck shell=bash
# A throw-away PostgreSQL and a throw-away server, for tests and benchmarks. Sourced, never run.
# The caller sets `trap throwaway_stop EXIT`.

THROWAWAY=
SERVER_PID=

# The settings and the database of whoever runs this are none of ours.
unset DATABASE_URL
for name in $(compgen -e ROSTER_); do
    if [ "$name" != ROSTER_POSTGRES_BIN ]; then unset "$name"; fi
done

# PostgreSQL refuses to run as root: as root we start it as another account.
as_postgres_user() {
    if ! is_root; then
        "$@"
        return
    fi
    local account=nobody
    if id -u postgres >/dev/null 2>&1; then account=postgres; fi
    if have setpriv; then
        setpriv --reuid "$account" --regid "$(id -g "$account")" --clear-groups -- env HOME="$THROWAWAY" "$@"
    else
        runuser -u "$account" -- "$@"
    fi
}

# lower() must know more letters than ASCII's, as it does in a real database.
utf8_locale() {
    locale -a 2>/dev/null | grep -iE '^C\.utf-?8$' | head -n 1 | grep . || echo C
}

# throwaway_postgres DATABASE...: a PostgreSQL on a Unix socket, with these empty databases. Durability is off: nothing in it outlives us.
throwaway_postgres() {
    # In /tmp, since a socket's path must be shorter than 107 bytes.
    THROWAWAY=$(mktemp -d /tmp/roster-throwaway.XXXXXX)
    if is_root; then chown "$(as_postgres_user id -u)" "$THROWAWAY"; fi
    quietly as_postgres_user "$POSTGRES_BIN/initdb" --pgdata "$THROWAWAY/data" --username roster --auth trust \
        --encoding UTF8 --locale "$(utf8_locale)" --no-sync || die "initdb failed: see above."
    create_databases "$@"
    as_postgres_user tee -a "$THROWAWAY/data/postgresql.conf" >/dev/null <<CONF
listen_addresses = ''
unix_socket_directories = '$THROWAWAY'
max_connections = 300
shared_buffers = 256MB
fsync = off
full_page_writes = off
synchronous_commit = off
# Tests ask many small questions of tables without statistics: compiling those, or sharing them out, takes longer than answering.
jit = off
max_parallel_workers_per_gather = 0
autovacuum = ${THROWAWAY_AUTOVACUUM:-off}
CONF
    quietly as_postgres_user "$POSTGRES_BIN/pg_ctl" --pgdata "$THROWAWAY/data" --log "$THROWAWAY/postgres.log" --wait start || {
        tail -n 20 "$THROWAWAY/postgres.log" >&2
        die "The throw-away PostgreSQL does not start: see above."
    }
}

# Through PostgreSQL's single-user mode: not every installation has its client programs.
create_databases() {
    local name
    for name in "$@"; do echo "CREATE DATABASE $name"; done |
        as_postgres_user "$POSTGRES_BIN/postgres" --single -D "$THROWAWAY/data" postgres >"$THROWAWAY/create.log" 2>&1 ||
        die "The databases could not be made: $(cat "$THROWAWAY/create.log")"
}

throwaway_url() {
    printf 'postgres://roster@localhost/%s?host=%s' "$1" "${THROWAWAY//\//%2F}"
}

# start_server [ARGUMENT...]: the optimised server on a free port, with the environment of the caller; sets BASE_URL.
start_server() {
    local port
    port=$(free_port)
    BASE_URL=http://127.0.0.1:$port
    SERVER_LOG=$(mktemp)
    ROSTER_ADDR=127.0.0.1:$port ROSTER_URL=$BASE_URL target/release/roster serve "$@" >"$SERVER_LOG" 2>&1 </dev/null &
    SERVER_PID=$!
    disown
    answers /readyz 60 || die "The server does not get ready."
}

# answers PATH SECONDS: waits until the server answers there.
answers() { node scripts/wait-ready.mjs "$BASE_URL$1" "$SERVER_PID" "$2"; }

server_log() {
    if [ -s "${SERVER_LOG:-}" ]; then
        say "The server's last lines:"
        tail -n 40 "$SERVER_LOG" | sed 's/^/    /'
    fi
}

# Asks it to end, and ends it when it has not within 15 seconds: a test run must not hang on it.
stop_server() {
    if [ -z "$SERVER_PID" ]; then return 0; fi
    kill "$SERVER_PID" 2>/dev/null || true
    for _ in $(seq 150); do
        kill -0 "$SERVER_PID" 2>/dev/null || break
        sleep 0.1
    done
    if kill -9 "$SERVER_PID" 2>/dev/null; then say "The server did not end within 15 seconds and was killed."; fi
    SERVER_PID=
    rm -f "$SERVER_LOG"
}

# Runs in an EXIT trap, where a bare `return` would give the status of the failure and end the cleaning half way.
throwaway_stop() {
    set +e
    stop_server
    if [ -z "$THROWAWAY" ]; then return 0; fi
    if [ -e "$THROWAWAY/data/postmaster.pid" ]; then
        as_postgres_user "$POSTGRES_BIN/pg_ctl" --pgdata "$THROWAWAY/data" --mode immediate stop >/dev/null 2>&1 || true
    fi
    rm -rf "$THROWAWAY"
    THROWAWAY=
}
