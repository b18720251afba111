#!/bin/bash
# transfer, order, show, recover, demo on real servers of one make and mixed: outcomes, exit codes, keys, locks.
. "${srcdir:-.}/tests/lib/sh.sh"
. "${srcdir:-.}/tests/lib/cli.sh"

transfer() { "$XATOP" --json transfer --from 1001 --to 1002 --amount "$@"; }

bad_arguments()
{
    local make=$1 amount
    for amount in -1 1e99 0 0.001 '1; DROP TABLE accounts' '' ' 1' 99999999999999999999; do
        expect_exit 2 "$make: amount '$amount'" transfer "$amount"
    done
    expect_exit 2 "$make: an account that is no number" "$XATOP" transfer --from '1 OR 1=1' --to 1002 --amount 1
    expect_exit 2 "$make: no amount" "$XATOP" transfer --from 1001 --to 1002
    expect_exit 2 "$make: to itself" "$XATOP" transfer --from 1001 --to 1001 --amount 1
    expect_exit 2 "$make: no pieces" "$XATOP" order --product 101 --quantity 0 --customer 2001
    expect_exit 2 "$make: an unknown fault" transfer 1 --fault boom@begin
    expect_exit 2 "$make: an unknown point" transfer 1 --fault crash@bigin
    expect_exit 2 "$make: a key with blanks" transfer 1 --id 'a b'
    expect_exit 2 "$make: a key too long" transfer 1 --id "$(printf 'k%.0s' {1..65})"
}

refusals()
{
    local make=$1
    expect_exit 1 "$make: overdraft" transfer 999999.99
    is "$make: overdraft: aborted" aborted .outcome
    case $(json .reason) in *'account 1001 has'*) ok "$make: overdraft: why" ;; *) not_ok "$make: overdraft: why" "$expect_out" ;; esac
    expect_exit 1 "$make: no such account" "$XATOP" --json transfer --from 1001 --to 7777 --amount 1
    is "$make: no such account: aborted" aborted .outcome
    expect_exit 1 "$make: short stock" "$XATOP" --json order --product 101 --quantity 999999 --customer 2001
    expect_exit 1 "$make: no such product" "$XATOP" --json order --product 777 --quantity 1 --customer 2001
    expect_exit 1 "$make: --readonly" "$XATOP" --readonly transfer --from 1001 --to 1002 --amount 1
}

keys()
{
    local make=$1 first before after
    before=$(sql n2 'SELECT balance FROM xatop.accounts WHERE id = 1002')
    expect_exit 0 "$make: with a key" transfer 3.00 --id key-1
    first=$(json .gtrid)
    expect_exit 0 "$make: the same key again" transfer 3.00 --id key-1
    is "$make: the first gtrid" "$first" .gtrid
    is "$make: answered before" true .repeated
    expect_exit 2 "$make: the key for something else" transfer 4.00 --id key-1
    expect_exit 1 "$make: a refused key" transfer 999999.00 --id key-2
    expect_exit 0 "$make: a refused key is free again" transfer 1.00 --id key-2
    after=$(sql n2 'SELECT balance FROM xatop.accounts WHERE id = 1002')
    [ $((after - before)) = 400 ] && ok "$make: money moved once per key" ||
        not_ok "$make: money moved once per key" "$before, $after"
}

# While a transaction hangs before its second XA COMMIT: who looks, and who must wait outside.
beside_a_running_one()
{
    local make=$1 gtrid pid
    "$XATOP" -q transfer --from 1001 --to 1002 --amount 1 --fault delay=3000@commit.sent:n2 &
    pid=$!
    prepared() { expect_out=$("$XATOP" --json indoubt list) && [ "$(json '.branches[0].decision')" = commit ]; }
    await 10 "the branch that is held" prepared || not_ok "$make: a held branch is seen"
    is "$make: indoubt: ours" ours '.branches[0].owner'
    gtrid=$(json '.branches[0].xid')
    expect_exit 7 "$make: a second coordinator on the same state" transfer 1
    case $expect_err in *"pid $pid"*) ok "$make: its pid is told" ;; *) not_ok "$make: its pid is told" "$expect_err" ;; esac
    expect_exit 0 "$make: audit beside it" "$XATOP" --json audit
    is "$make: the audit holds beside it" true .ok
    is "$make: one is pending" 1 .pending
    expect_exit 0 "$make: status beside it" "$XATOP" --json status
    is "$make: status: the holder" "$pid" .log.holder_pid
    expect_exit 3 "$make: show beside it" "$XATOP" --json show "$gtrid"
    is "$make: show: decided, not told everywhere" committed-pending .outcome
    wait "$pid" && ok "$make: it ends well" || not_ok "$make: it ends well" "exit $?"
    expect_exit 0 "$make: show afterwards" "$XATOP" --json show "$gtrid"
    is "$make: show: committed" committed .outcome
}

# A coordinator without the log of the one before it: refused, and nothing of the first is touched.
another_log()
{
    local make=$1 state=$XATOP_STATE
    transfer 1 --fault crash@decide.durable >/dev/null 2>&1
    mv "$state/dlog" "$state/dlog.away"
    expect_exit 7 "$make: a wiped log" transfer 1
    expect_exit 7 "$make: a wiped log recovers nothing" "$XATOP" --json recover
    expect_exit 0 "$make: a wiped log sees the branches" "$XATOP" --json indoubt list
    is "$make: as another log's" other-log '.branches[1].owner'
    expect_exit 0 "$make: it may claim the id" "$XATOP" --take-over 'log lost' transfer --from 1003 --to 1004 --amount 1
    expect_exit 0 "$make: but not the branches" "$XATOP" --json --take-over 'log lost' recover
    is "$make: they are ambiguous" 2 .ambiguous
    rm -rf "$state/dlog" && mv "$state/dlog.away" "$state/dlog"
    expect_exit 7 "$make: the first log is shut out now" "$XATOP" --json recover
    expect_exit 0 "$make: the first log back" "$XATOP" --json --take-over 'log found' recover
    is "$make: and commits" 2 .committed
}

on_makes()
{
    local make=$1-$2
    lab "$1" "$2" || { skip "$make: transactions" "a server is missing here"; return; }
    expect_exit 0 "$make: setup" "$XATOP" --json setup || return
    expect_exit 0 "$make: transfer" transfer 500.00
    is "$make: committed" committed .outcome
    is "$make: branch 1" n1 '.branches[0].node'
    is "$make: branch 2" committed '.branches[1].state'
    expect_exit 0 "$make: show" "$XATOP" --json show "$(json .gtrid)"
    is "$make: show: committed" committed .outcome
    expect_exit 0 "$make: packet" transfer 1.00 --wire packet
    expect_exit 0 "$make: one branch only" "$XATOP" --json transfer --from 1001 --to 1003 --amount 1
    is "$make: one branch: committed" committed '.branches[0].state'
    expect_exit 0 "$make: order" "$XATOP" --json order --product 101 --quantity 2 --customer 2001
    is "$make: order committed" committed .outcome
    bad_arguments "$make"
    refusals "$make"
    keys "$make"
    beside_a_running_one "$make"
    another_log "$make"
    expect_exit 0 "$make: demo" "$XATOP" --json demo
    is "$make: demo: ok" true .ok
    expect_exit 0 "$make: audit at the end" "$XATOP" --json audit
    is "$make: the audit holds" true .ok
}

on_makes mariadb mariadb
on_makes mysql mysql
on_makes mysql mariadb
finish
