#!/bin/bash
# tools/deps.sh [build] [test] [bench] [lint]: installs the Debian packages that these need and that are missing.
# Says what it does; does nothing, in a fraction of a second, when nothing is missing. Debian 12 (bookworm).
set -euo pipefail

build_packages="gcc g++ make cmake ninja-build ccache
    librocksdb-dev libpg-query-dev libprotobuf-c-dev libssl-dev libxxhash-dev libmicrohttpd-dev libpcre2-dev
    libutf8proc-dev libstemmer-dev libgmp-dev libmpfr-dev libsnappy-dev liblz4-dev libzstd-dev libbz2-dev zlib1g-dev
    libgflags-dev libpq-dev tzdata"
test_packages="libcriterion-dev postgresql-15 postgresql-client-15 postgresql-contrib python3 python3-psycopg2
    libpostgresql-jdbc-java"
bench_packages="postgresql-15 postgresql-client-15 postgresql-contrib python3"
lint_packages="clang-14 clang-format-14 clang-tidy-14"

# Programs that may also come from elsewhere than Debian: the package is installed only when the program is not there.
test_programs="javac=default-jdk-headless java=default-jdk-headless node=nodejs npm=npm"

missing=""
want_packages() {
    local installed
    installed=$(dpkg-query -W -f '${Package}=${db:Status-Status}\n' "$@" 2>/dev/null || true)
    for package in "$@"; do
        case $'\n'$installed$'\n' in
            *$'\n'"$package=installed"$'\n'*) ;;
            *) missing="$missing $package" ;;
        esac
    done
}
want_program() {
    command -v "${1%%=*}" >/dev/null 2>&1 || missing="$missing ${1##*=}"
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Debian's package would create a cluster on port 5432 and start it, just where helios-nano listens.
forbid_main_cluster() {
    [ -d /etc/postgresql-common/createcluster.d ] && return
    as_root mkdir -p /etc/postgresql-common/createcluster.d
    echo "create_main_cluster = false" | as_root tee /etc/postgresql-common/createcluster.d/helios-nano.conf >/dev/null
}

command -v dpkg-query >/dev/null || { echo "deps.sh: not a Debian system; install by hand: $build_packages" >&2; exit 1; }
for group in "${@:-build}"; do
    case $group in
        build) packages=$build_packages; programs="" ;;
        test) packages="$build_packages $test_packages"; programs=$test_programs ;;
        bench) packages="$build_packages $bench_packages"; programs="" ;;
        lint) packages="$build_packages $lint_packages"; programs="" ;;
        *) echo "deps.sh: there is no group \"$group\" (build, test, bench, lint)" >&2; exit 2 ;;
    esac
    want_packages $packages
    for program in $programs; do want_program "$program"; done
done
[ -n "$missing" ] || exit 0

missing=$(printf '%s\n' $missing | sort -u | tr '\n' ' ')
if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    echo "deps.sh: run as root: apt-get install $missing" >&2
    exit 1
fi
echo "Installing Debian packages: $missing"
case " $missing " in *" postgresql-15 "*) forbid_main_cluster ;; esac
as_root apt-get update -q=2
as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q=2 -y --no-install-recommends $missing
