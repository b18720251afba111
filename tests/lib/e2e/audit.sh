# The audit holds at any moment of the work, and it can see: every damage done by hand is found.
# shellcheck shell=bash

# Transfers and orders, one after the other, until told to stop. load NUMBER COMMAND...: rows of its own, nobody waits for locks.
load()
{
    local i=0 at=$1
    shift
    while [ ! -e "$tmp/load.stop" ]; do
        i=$((i + 1))
        "$@" -q --wire packet transfer --from $((1041 + at)) --to $((1052 + at + i % 5 * 10)) --amount 0.$((10 + i % 90)) || return
        "$@" -q order --product $((101 + at)) --quantity 1 --customer $((2001 + at * 10 + i % 10)) || return
    done
    echo "$i" >"$tmp/load.$at"
}

# Two coordinators, each of its own id and log, on the same servers.
beside_load()
{
    local i second code=0
    rm -f "$tmp"/load.*
    in_background load 2 outsider "$tmp/second" -c "$tmp/second.conf"
    second=$background
    load 0 xatop >"$tmp/load.out" 2>&1 </dev/null &
    for ((i = 0; i < 20; i++)); do
        must_exit 0 xatop --json audit && must_be '[true,[]]' '[.ok,.torn]' || break
    done
    touch "$tmp/load.stop"
    wait $! || code=$?
    background=$second
    background_exit
    must_equal '20 0 0' "$i $code $bg_code" "good audits, exit codes of the loads ($(cat "$tmp/load.out" "$tmp/bg.err"))" || return
    echo "rounds: $(cat "$tmp/load.0") $(cat "$tmp/load.2")"
    [ "$(cat "$tmp/load.0")" -ge 3 ] && [ "$(cat "$tmp/load.2")" -ge 3 ] && all_settled
}

# found PATH WANT: the audit does not hold, and says so there.
found() { must_exit 5 xatop --json audit && must_be false .ok && must_be "$2" "$1"; }

# sees MEND PATH WANT DAMAGE...: what is damaged by SQL on a node is seen, and no longer once mended.
sees()
{
    local node=$1 damage=$2 mend=$3 path=$4 want=$5 code=0
    sql "$node" "$damage" || return
    found "$path" "$want" || code=1
    sql "$node" "$mend" || return
    [ $code = 0 ] && audit_holds
}

# Two wrongs that make the sum right.
sees_both_nodes()
{
    local code=0
    sql n1 'UPDATE xatop.accounts SET balance = balance - 1 WHERE id = 1001' &&
        sql n2 'UPDATE xatop.accounts SET balance = balance + 1 WHERE id = 1002' || return
    found .wrong '["n1","n2"]' || code=1
    sql n1 'UPDATE xatop.accounts SET balance = balance + 1 WHERE id = 1001' &&
        sql n2 'UPDATE xatop.accounts SET balance = balance - 1 WHERE id = 1002' || return
    [ $code = 0 ] && audit_holds
}

# torn NODE BALANCE: half a transaction, as a lost branch would leave it: no marker, and its change undone.
torn()
{
    local node=$1 undo=$2 redo=$3 gtrid code=0
    must_exit 0 xatop --json transfer --from 1061 --to 1062 --amount 1 || return
    gtrid=$(jq -r .gtrid <<<"$out")
    sql "$node" "CREATE TABLE theirs.saved AS SELECT * FROM xatop.xa_marker WHERE gtrid = '$gtrid';
                 DELETE FROM xatop.xa_marker WHERE gtrid = '$gtrid'; $undo" || return
    found .torn "[\"$gtrid\"]" || code=1
    must_exit 0 xatop --json status && must_be '[false,1]' '[.audit.ok,.audit.torn]' || code=1
    sql "$node" "INSERT INTO xatop.xa_marker SELECT * FROM theirs.saved; DROP TABLE theirs.saved; $redo" || return
    [ $code = 0 ] && audit_holds
}

e2e_audit()
{
    local begun=$SECONDS account='UPDATE xatop.accounts SET balance = balance'
    sql n1 'CREATE DATABASE IF NOT EXISTS theirs' && sql n2 'CREATE DATABASE IF NOT EXISTS theirs'
    ports && printf 'coordinator = "second";\n' >"$tmp/second.conf"
    try "twenty audits beside load" beside_load
    try "the audit sees money made" sees n1 "$account + 1 WHERE id = 1001" "$account - 1 WHERE id = 1001" .wrong '["n1"]'
    try "the audit sees money lost" sees n2 "$account - 1 WHERE id = 1002" "$account + 1 WHERE id = 1002" .wrong '["n2"]'
    try "the audit sees stock lost" sees n1 'UPDATE xatop.products SET stock = stock - 1 WHERE id = 105' \
        'UPDATE xatop.products SET stock = stock + 1 WHERE id = 105' '.stock.expected == .stock.found' false
    try "the audit sees an order that was changed" sees n2 'UPDATE xatop.orders SET quantity = quantity + 1 ORDER BY gtrid LIMIT 1' \
        'UPDATE xatop.orders SET quantity = quantity - 1 ORDER BY gtrid LIMIT 1' .ok false
    try "the audit sees money moved by hand" sees_both_nodes
    try "the audit sees a marker that is gone" torn n2 'DO 0' 'DO 0'
    try "the audit sees a branch that is gone" torn n2 "$account - 100 WHERE id = 1062" "$account + 100 WHERE id = 1062"
    try "the audit sees the other branch gone" torn n1 "$account + 100 WHERE id = 1061" "$account - 100 WHERE id = 1061"
    printf '# %s: audits took %s s\n' "$pair" $((SECONDS - begun))
}
