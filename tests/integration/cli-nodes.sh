#!/bin/bash
# The commands that look at real servers without a coordinator: setup, init, status, audit, indoubt, on each make.
. "${srcdir:-.}/tests/lib/sh.sh"
. "${srcdir:-.}/tests/lib/cli.sh"

on_make()
{
    local make=$1
    lab "$make" "$make" || { skip "$make: commands on real servers" "no $make server here"; return; }

    { echo 'connect_timeout_ms = 500;'; cat "$XATOP_CONFIG"; } >"$tmp/quick.conf"
    expect_exit 4 "$make: status before setup" "$XATOP" status || return
    expect_exit 0 "$make: setup" "$XATOP" --json setup || return
    is "$make: accounts" 100 .accounts
    is "$make: products" 10 .products
    is "$make: the node is up" up '.nodes[1].state'
    expect_exit 0 "$make: setup again" "$XATOP" --json setup
    is "$make: setup again adds nothing" 100 .accounts

    expect_exit 0 "$make: audit" "$XATOP" --json audit
    is "$make: the audit holds" true .ok
    is "$make: nothing is torn" '[]' .torn
    expect_exit 0 "$make: status" "$XATOP" --json status
    is "$make: nothing in doubt" 0 .in_doubt
    is "$make: audit in short" true .audit.ok
    expect_exit 0 "$make: indoubt" "$XATOP" --json indoubt list
    is "$make: no branches" '[]' .branches

    # somebody else's branch is shown, with its bytes in hex, and is not counted as ours
    sql n2 "XA START X'1b5b33316d',X'01',7; UPDATE xatop.accounts SET balance = balance + 1 WHERE id = 1002;
            XA END X'1b5b33316d',X'01',7; XA PREPARE X'1b5b33316d',X'01',7" || not_ok "$make: a foreign branch"
    expect_exit 0 "$make: indoubt with a foreign branch" "$XATOP" --json indoubt
    is "$make: its owner" foreign '.branches[0].owner'
    is "$make: its xid is hex" "X'1b5b33316d',X'01',7" '.branches[0].xid'
    expect_exit 0 "$make: status with a foreign branch" "$XATOP" --json status
    is "$make: it is not our doubt" 0 .in_doubt
    expect_exit 1 "$make: init --reset drops nothing under a prepared branch" "$XATOP" init --reset --yes
    sql n2 "XA ROLLBACK X'1b5b33316d',X'01',7" || not_ok "$make: the foreign branch ends"

    expect_exit 1 "$make: init --reset asks" "$XATOP" init --reset
    expect_exit 0 "$make: init --reset" "$XATOP" --json init --reset --yes --accounts 20 --balance 5.50
    is "$make: fewer accounts" 20 .accounts
    expect_exit 0 "$make: audit after reset" "$XATOP" --json audit
    is "$make: money by the given balance" 385.0 .money.expected

    # money made behind our back is found
    sql n1 "UPDATE xatop.accounts SET balance = balance + 1 WHERE id = 1001"
    expect_exit 5 "$make: an audit that does not hold" "$XATOP" --json audit
    is "$make: and says so" false .ok
    is "$make: and where" '["n1"]' .wrong
    expect_exit 0 "$make: status tells it" "$XATOP" --json status
    is "$make: status: not ok" false .audit.ok
    sql n1 "UPDATE xatop.accounts SET balance = balance - 1 WHERE id = 1001"

    expect_exit 0 "$make: kill" "$XATOP" --json nodes kill n2
    is "$make: it is down" down '.nodes[1].state'
    expect_exit 4 "$make: status with a node down" "$XATOP" --json status
    is "$make: the other node is up" up '.nodes[0].state'
    is "$make: the dead node is down" down '.nodes[1].state'
    expect_exit 4 "$make: audit with a node down" "$XATOP" --json audit
    is "$make: audit: cannot be told" null .ok
    is "$make: audit: which node" '["n2"]' .unreachable
    expect_exit 0 "$make: freeze" "$XATOP" nodes freeze n1
    expect_exit 4 "$make: status with a frozen node" env XATOP_CONFIG="$tmp/quick.conf" "$XATOP" --json status
    is "$make: it is frozen" frozen '.nodes[0].state'
    expect_exit 0 "$make: thaw" "$XATOP" nodes thaw n1
    expect_exit 4 "$make: killing the dead" "$XATOP" nodes kill n2
    expect_exit 0 "$make: restart" "$XATOP" --json nodes restart n2
    is "$make: it is up again" up '.nodes[1].state'

    # wrong password, and a server that is not there
    local port
    port=$(json '.nodes[0].port')
    # the same servers as anybody's: addresses and passwords from the environment
    local other=(env XATOP_CONFIG= XATOP_STATE="$tmp/$make-other" DB1_HOST=localhost DB1_PORT="$port"
        DB2_HOST=127.0.0.1 DB2_PORT="$(json '.nodes[1].port')"
        DB1_PASSWORD="$(cat "$XATOP_STATE/nodes/n1/app.password")"
        DB2_PASSWORD="$(cat "$XATOP_STATE/nodes/n2/app.password")" "$XATOP" --json)
    expect_exit 0 "$make: init of servers not our own" "${other[@]}" init
    is "$make: their accounts" 20 .accounts
    is "$make: none of them is of the lab" '[]' .nodes
    expect_exit 0 "$make: transfer between servers not our own" "${other[@]}" transfer --from 1001 --to 1002 --amount 1.50
    is "$make: committed there" committed .outcome
    expect_exit 0 "$make: audit of servers not our own" "${other[@]}" audit
    expect_exit 4 "$make: wrong password" env XATOP_CONFIG= DB1_HOST=127.0.0.1 DB1_PORT="$port" DB1_PASSWORD=wrong \
        "$XATOP" --state "$tmp/other" status
    case $expect_err in *wrong*) not_ok "$make: the password is not told" "$expect_err" ;; *) ok "$make: the password is not told" ;; esac
    expect_exit 4 "$make: no server there" env XATOP_CONFIG= DB1_HOST=127.0.0.1 DB1_PORT=1 "$XATOP" --state "$tmp/other" audit
    expect_exit 0 "$make: stop" "$XATOP" nodes stop
}

on_make mariadb
on_make mysql
finish
