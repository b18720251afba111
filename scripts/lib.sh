# Shared by scripts/setup, scripts/check and scripts/demo; sourced, never run.
# shellcheck shell=bash

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$top/build
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/xatop

say() { printf '== %s\n' "$*"; }

die()
{
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

# --- root, only where it is needed ---------------------------------------------
# sudo may ask for a password when a person sits there; without a terminal it must not wait for one.
have_root()
{
    [ "$(id -u)" = 0 ] && return 0
    command -v sudo >/dev/null || return 1
    sudo -n true 2>/dev/null && return 0
    [ -t 0 ] && sudo true
}

as_root()
{
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# --- packages --------------------------------------------------------------------
is_debian_like() { command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; }

installed() { dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null | grep -q '^ii'; }

# The first of "a|b|c" this release knows; the names differ between releases.
available_of()
{
    local name
    for name in ${1//|/ }; do
        if LC_ALL=C apt-cache policy "$name" 2>/dev/null | grep -q 'Candidate: [^(]'; then
            echo "$name"
            return 0
        fi
    done
    echo "${1%%|*}"
}

# Print those of the wanted packages ("a|b": any one will do) that are not there.
missing_of()
{
    local wanted name
    for wanted in "$@"; do
        for name in ${wanted//|/ }; do
            installed "$name" && continue 2
        done
        echo "$wanted"
    done
}

apt_updated=
apt_update()
{
    [ -z "$apt_updated" ] || return 0
    apt_updated=yes
    # A third-party source that is away must not stop the rest: the install says what is really missing.
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 update </dev/null ||
        say "apt-get update complained; going on with the package lists that are here"
}

# install_packages WANTED...: installs what is missing, says so, and touches nothing when all is there.
install_packages()
{
    local missing names=() wanted
    missing=$(missing_of "$@")
    [ -n "$missing" ] || return 0
    have_root || {
        echo "missing packages, and no root or sudo to install them: $(echo $missing)" >&2
        return 1
    }
    say "refreshing the package lists"
    apt_update
    for wanted in $missing; do
        names+=("$(available_of "$wanted")")
    done
    say "installing: ${names[*]}"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
        -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 install "${names[@]}" </dev/null
}

# --- which server make a binary is ------------------------------------------------
# Prints mysql, mariadb or nothing. Debian's MariaDB installs /usr/sbin/mysqld as a link to mariadbd.
server_make()
{
    case $("$1" --no-defaults --version 2>/dev/null) in
    *MariaDB*) echo mariadb ;;
    *Ver*) echo mysql ;;
    esac
}

# find_server MAKE: path of the system's own server of that make, or nothing.
find_server()
{
    local dir name
    for name in mariadbd mysqld; do
        for dir in ${PATH//:/ } /usr/sbin /usr/libexec /usr/local/sbin; do
            if [ -x "$dir/$name" ] && [ "$(server_make "$dir/$name")" = "$1" ]; then
                echo "$dir/$name"
                return 0
            fi
        done
    done
    return 0
}
