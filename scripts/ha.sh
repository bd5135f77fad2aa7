#!/usr/bin/env bash
# The test of failovers: two PostgreSQL under Patroni, two Rosters behind HAProxy, and the leader killed ten times (ha/README.md).
# HA_KILLS, HA_ASYNC, HA_STRICT, HA_DATABASE and HA_PORT change it. HA_ROSTER is a program to test in place of a build's.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. scripts/tools.sh
. scripts/throwaway.sh

PATRONI_VERSION=4.1.5
PSYCOPG_VERSION=3.3.9

need_etcd() {
    if ! have etcd; then
        can_apt || die "etcd is missing: install it, then run this again."
        getting "etcd (Debian's package, seconds)"
        apt_get_idle etcd etcd-server
    fi
    found "etcd $(etcd --version | first_version)"
}

need_haproxy() {
    if ! has_server haproxy; then
        can_apt || die "HAProxy is missing: install it, then run this again."
        getting "HAProxy (Debian's package, seconds)"
        apt_get_idle haproxy haproxy
    fi
    found "HAProxy"
}

# As root, PostgreSQL's account runs it: one that it can't start, as one in root's home folder, is no good.
find_python() {
    local python version
    for python in $(type -ap python3) /usr/bin/python3; do
        version=$(cd / && as_postgres_user "$python" --version 2>/dev/null | first_version) || continue
        if newer_or_same "$PYTHON_OLDEST" "$version" && "$python" -c 'import ensurepip, venv' 2>/dev/null; then
            printf '%s\n' "$python"
            return
        fi
    done
    return 1
}

# Sets PATRONI to an environment of its own: no Python package of the machine is changed.
need_patroni() {
    local home=$TOOLS/python/patroni python version
    version=$("$home/bin/patroni" --version 2>/dev/null | first_version) || true
    if [ "$version" != "$PATRONI_VERSION" ]; then
        if ! find_python >/dev/null && can_apt; then
            getting "Python's venv (Debian's package, seconds)"
            apt_install python3 python3-venv
        fi
        python=$(find_python) || die "Python is missing: install Python $PYTHON_OLDEST or newer with its venv module, then run this again."
        getting "Patroni $PATRONI_VERSION (Python package, half a minute)"
        rm -rf "$home"
        quietly "$python" -m venv "$home" || die "'python3 -m venv' failed: install Python's venv module."
        quietly "$home/bin/pip" install --quiet --disable-pip-version-check "patroni[etcd3]==$PATRONI_VERSION" \
            "psycopg[binary]==$PSYCOPG_VERSION" || die "pip could not install Patroni $PATRONI_VERSION."
    fi
    PATRONI=$home
    found "Patroni $PATRONI_VERSION"
}

# A copy of the environment that PostgreSQL's account can read, as the tools of root are root's alone.
readable_patroni() {
    COPY=$(mktemp -d /tmp/roster-patroni.XXXXXX)
    chmod 755 "$COPY"
    cp -a "$PATRONI/." "$COPY"
    PATRONI=$COPY
}

clean_up() { rm -rf "${COPY:-}"; }

main() {
    trap clean_up EXIT
    need_node
    need_node_packages
    need_postgres
    need_etcd
    need_haproxy
    need_patroni
    if [ -z "${HA_ROSTER:-}" ]; then bash scripts/build.sh; fi
    if is_root; then
        readable_patroni
        HA_ACCOUNT=$(cd / && as_postgres_user id -u):$(cd / && as_postgres_user id -g)
        export HA_ACCOUNT
    fi
    HA_ROSTER=${HA_ROSTER:-$TARGET/release/roster} HA_POSTGRES_BIN=$POSTGRES_BIN HA_PATRONI=$PATRONI/bin/python \
        HA_ETCD=$(command -v etcd) HA_HAPROXY=$(command -v haproxy || echo /usr/sbin/haproxy) HA_LOCALE=$(utf8_locale) \
        node ha/run.mjs
}

main
