#!/bin/bash
# The commands that look at real servers without a coordinator: setup, init, status, audit, indoubt, on each make.
. "${srcdir:-.}/tests/lib/sh.sh"

tmp=${XATOP_TMP:?scripts/check sets it}
export HOME=$tmp/home XDG_CONFIG_HOME='' XDG_STATE_HOME='' XATOP_CONFIG=''
mkdir -p "$HOME"
cd "$HOME" || exit 99

# json JQ-LIKE: the value of a key path in $expect_out, by python (always there with the tests' dependencies) or jq.
json()
{
    if command -v jq >/dev/null; then jq -rc "$1" <<<"$expect_out"; else
        python3 -c 'import json,sys
v = json.load(sys.stdin)
for part in sys.argv[1].strip(".").replace("[", ".").replace("]", "").split("."):
    v = v[int(part)] if part.isdigit() else v[part]
print(v if isinstance(v, str) else json.dumps(v, separators=(",", ":")))' "$1" <<<"$expect_out"; fi
}

is()
{
    local name=$1 want=$2 got
    got=$(json "$3")
    if [ "$got" = "$want" ]; then ok "$name"; else not_ok "$name" "$3 is '$got', expected '$want' in $expect_out"; fi
}

sql() { "$client" --defaults-file="$XATOP_STATE/nodes/$1/admin.cnf" --batch --skip-column-names -e "$2"; }

client=$(command -v mariadb || command -v mysql)

on_make()
{
    local make=$1 server=$2
    export XATOP_STATE=$tmp/$make
    printf 'nodes = ( { name = "n1"; lab = true; make = "%s"; }, { name = "n2"; lab = true; make = "%s"; } );\n' \
        "$make" "$make" >"$tmp/$make.conf"
    local xatop=("$XATOP" -c "$tmp/$make.conf")
    [ -n "$server" ] || { skip "$make: commands on real servers" "no $make server here"; return; }

    expect_exit 4 "$make: status before setup" "${xatop[@]}" status || return
    expect_exit 0 "$make: setup" "${xatop[@]}" --json setup || return
    is "$make: accounts" 100 .accounts
    is "$make: products" 10 .products
    is "$make: the node is up" up '.nodes[1].state'
    expect_exit 0 "$make: setup again" "${xatop[@]}" --json setup
    is "$make: setup again adds nothing" 100 .accounts

    expect_exit 0 "$make: audit" "${xatop[@]}" --json audit
    is "$make: the audit holds" true .ok
    is "$make: nothing is torn" '[]' .torn
    expect_exit 0 "$make: status" "${xatop[@]}" --json status
    is "$make: nothing in doubt" 0 .in_doubt
    is "$make: audit in short" true .audit.ok
    expect_exit 0 "$make: indoubt" "${xatop[@]}" --json indoubt list
    is "$make: no branches" '[]' .branches

    # somebody else's branch is shown, with its bytes in hex, and is not counted as ours
    sql n2 "XA START X'1b5b33316d',X'01',7; UPDATE xatop.accounts SET balance = balance + 1 WHERE id = 1002;
            XA END X'1b5b33316d',X'01',7; XA PREPARE X'1b5b33316d',X'01',7" || not_ok "$make: a foreign branch"
    expect_exit 0 "$make: indoubt with a foreign branch" "${xatop[@]}" --json indoubt
    is "$make: its owner" foreign '.branches[0].owner'
    is "$make: its xid is hex" "X'1b5b33316d',X'01',7" '.branches[0].xid'
    expect_exit 0 "$make: status with a foreign branch" "${xatop[@]}" --json status
    is "$make: it is not our doubt" 0 .in_doubt
    expect_exit 1 "$make: init --reset drops nothing under a prepared branch" "${xatop[@]}" init --reset --yes
    sql n2 "XA ROLLBACK X'1b5b33316d',X'01',7" || not_ok "$make: the foreign branch ends"

    expect_exit 1 "$make: init --reset asks" "${xatop[@]}" init --reset
    expect_exit 0 "$make: init --reset" "${xatop[@]}" --json init --reset --yes --accounts 20 --balance 5.50
    is "$make: fewer accounts" 20 .accounts
    expect_exit 0 "$make: audit after reset" "${xatop[@]}" --json audit
    is "$make: money by the given balance" true '.money.expected == 385'

    # money made behind our back is found
    sql n1 "UPDATE xatop.accounts SET balance = balance + 1 WHERE id = 1001"
    expect_exit 5 "$make: an audit that does not hold" "${xatop[@]}" --json audit
    is "$make: and says so" false .ok
    is "$make: and where" '["n1"]' .wrong
    expect_exit 0 "$make: status tells it" "${xatop[@]}" --json status
    is "$make: status: not ok" false .audit.ok
    sql n1 "UPDATE xatop.accounts SET balance = balance - 1 WHERE id = 1001"

    expect_exit 0 "$make: kill" "${xatop[@]}" --json nodes kill n2
    is "$make: it is down" down '.nodes[1].state'
    expect_exit 4 "$make: status with a node down" "${xatop[@]}" --json status
    is "$make: the other node is up" up '.nodes[0].state'
    is "$make: the dead node is down" down '.nodes[1].state'
    expect_exit 4 "$make: audit with a node down" "${xatop[@]}" --json audit
    is "$make: audit: cannot be told" null .ok
    is "$make: audit: which node" '["n2"]' .unreachable
    expect_exit 4 "$make: killing the dead" "${xatop[@]}" nodes kill n2
    expect_exit 0 "$make: restart" "${xatop[@]}" --json nodes restart n2
    is "$make: it is up again" up '.nodes[1].state'

    # wrong password, and a server that is not there
    local port
    port=$(json '.nodes[0].port')
    expect_exit 4 "$make: wrong password" env DB1_HOST=127.0.0.1 DB1_PORT="$port" DB1_PASSWORD=wrong \
        "$XATOP" --state "$tmp/other" status
    case $expect_err in *wrong*) not_ok "$make: the password is not told" "$expect_err" ;; *) ok "$make: the password is not told" ;; esac
    expect_exit 4 "$make: no server there" env DB1_HOST=127.0.0.1 DB1_PORT=1 "$XATOP" --state "$tmp/other" audit
    expect_exit 0 "$make: stop" "${xatop[@]}" nodes stop
}

trap 'for make in mariadb mysql; do [ -d "$tmp/$make" ] && XATOP_STATE=$tmp/$make "$XATOP" -c "$tmp/$make.conf" -q nodes stop; done' EXIT
on_make mariadb "${XATOP_MARIADBD-}"
on_make mysql "${XATOP_MYSQLD-}"
finish
