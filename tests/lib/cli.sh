# What the tests of the command line on real servers share: a home of their own, JSON, servers by make.
# shellcheck shell=bash

tmp=${XATOP_TMP:?scripts/check sets it}
export HOME=$tmp/home XDG_CONFIG_HOME='' XDG_STATE_HOME='' XATOP_CONFIG='' XATOP_STATE=''
mkdir -p "$HOME"
cd "$HOME" || exit 99

# json PATH: what stands at .a.b[0] of $expect_out, which must be exactly one JSON value.
json() { "$(dirname "$XATOP")/tests/lib/jsonget" "$1" <<<"$expect_out"; }

# is NAME WANT PATH
is()
{
    local name=$1 want=$2 got
    got=$(json "$3")
    if [ "$got" = "$want" ]; then ok "$name"; else not_ok "$name" "$3 is '$got', expected '$want' in $expect_out"; fi
}

# sql NODE SQL: as the administrator of a lab node of $XATOP_STATE. Over its socket; TLS there only costs (0.1 s on MySQL).
sql()
{
    "$client" --defaults-file="$XATOP_STATE/nodes/$1/admin.cnf" --loose-skip-ssl --batch --skip-column-names -e "$2"
}

client=$(command -v mariadb || command -v mysql)


# lab MAKE1 MAKE2: a state directory and a configuration of two lab nodes of these makes; 1 if a server is missing.
lab()
{
    local make
    for make in "$1" "$2"; do
        case $make in
        mariadb) [ -n "${XATOP_MARIADBD-}" ] || return 1 ;;
        mysql) [ -n "${XATOP_MYSQLD-}" ] || return 1 ;;
        esac
    done
    labs+=("$1-$2")
    XATOP_STATE=$tmp/$1-$2 XATOP_CONFIG=$tmp/$1-$2.conf
    printf 'nodes = ( { name = "n1"; lab = true; make = "%s"; }, { name = "n2"; lab = true; make = "%s"; } );\n' \
        "$1" "$2" >"$XATOP_CONFIG"
}

labs=()
stop_labs()
{
    local lab
    for lab in "${labs[@]}"; do
        XATOP_STATE=$tmp/$lab XATOP_CONFIG=$tmp/$lab.conf "$XATOP" -q nodes thaw
        XATOP_STATE=$tmp/$lab XATOP_CONFIG=$tmp/$lab.conf "$XATOP" -q nodes stop
    done >/dev/null 2>&1
}
trap stop_labs EXIT
