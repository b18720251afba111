#!/bin/bash
# In doubt, by hand: what the list knows, who waits, forcing and what comes of it, foreign branches, and very many of them.
. "${srcdir:-.}/tests/lib/sh.sh"
. "${srcdir:-.}/tests/lib/cli.sh"

MANY=10000

# crash POINT COMMAND...: runs it, ends at the point; its gtrid in $gtrid
crash()
{
    local point=$1
    shift
    gtrid=$("$XATOP" -q --fault "crash@$point" "$@" 2>&1 | grep -o 'xa1\.[^;]*')
}
transfer=(transfer --from 1001 --to 1002 --amount 12)
indoubt() { "$XATOP" --json indoubt "$@"; }
force() { "$XATOP" --json indoubt "$@" --reason 'the test asks for it'; }
recover() { "$XATOP" -q recover --wait 5; }
# row I PATH: of the branch at I in the list: ours come first, by gtrid and branch
row() { json ".branches[$1].$2"; }
same() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "'$2', expected '$3' in $expect_out"; fi; }
says() { if grep -q -- "$2" <<<"$expect_out$expect_err"; then ok "$1"; else not_ok "$1" "no '$2' in $expect_out $expect_err"; fi; }
listed() { sql "$1" 'XA RECOVER' | grep -c .; }
waiting() { [ "$(sql "$1" "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'")" = "$2" ]; }
# run_compensation: what the last force printed, as a person would run it
run_compensation()
{
    local i node statement
    for ((i = 0; ; i++)); do
        node=$(json ".compensation[$i].node" 2>/dev/null) || break
        statement=$(json ".compensation[$i].sql")
        [ -n "$statement" ] || break
        sql "$node" "USE xatop; $statement" || return
    done
    [ "$i" -gt 0 ]
}
audit() { expect_exit "$1" "$2" "$XATOP" --json audit; }

knows()
{
    crash decide.durable "${transfer[@]}"
    expect_exit 0 'the list' indoubt list
    same 'decided: commit' "$(row 0 decision)" commit
    same 'what it meant, from the log' "$(row 0 meaning)" '12.00 from 1001 to 1002'
    same 'its age is the decision'"'s" "$(row 0 age_from)" decision
    same 'prepared on both' "$(row 1 nodes.n1) $(row 1 nodes.n2)" 'prepared prepared'
    same 'nobody waits' "$(row 0 waiters)$(row 1 waiters)" '[][]'
    expect_exit 0 'for people' "$XATOP" indoubt
    says 'for people: the meaning' '12.00 from 1001 to 1002; n1 prepared, n2 prepared'
    says 'for people: who tries again' 'nobody tries again before xatop recover'
    "$XATOP" -q nodes kill n2
    expect_exit 4 'the list without n2' indoubt list
    same 'n2 is not known' "$(row 0 nodes.n1) $(row 0 nodes.n2)" 'prepared unknown'
    "$XATOP" -q nodes start n2
    recover || not_ok 'recover'
    crash decide.append "${transfer[@]}"
    expect_exit 0 'the list of what nobody decided' indoubt
    same 'not decided' "$(row 0 decision)" none
    same 'what it meant, from markers nobody decided' "$(row 1 meaning)" '12.00 from 1001 to 1002'
    same 'its age is its rows'"'" "$(row 1 age_from)" marker
    "$XATOP" -q nodes kill n2
    expect_exit 4 'half of what nobody decided' indoubt
    same 'half of what it meant' "$(row 0 meaning)" '-12.00 of account 1001 (1 of its 2 branches seen)'
    "$XATOP" -q nodes start n2
    recover || not_ok 'recover'
    crash decide.durable order --product 101 --quantity 2 --customer 2001
    expect_exit 0 'an order in the list' indoubt
    same 'an order' "$(row 0 meaning)" '2 of product 101 to customer 2001 for 39.98'
    sql n1 "XA COMMIT '$gtrid', 'b1', 1482781808"
    expect_exit 0 'one branch committed' indoubt
    same 'its sibling sees it' "$(row 0 nodes.n1) $(row 0 nodes.n2)" 'committed prepared'
    recover || not_ok 'recover'
}

waits()
{
    local node id pids=()
    crash decide.durable "${transfer[@]}"
    for node in n1 n2; do
        [ $node = n1 ] && id=1001 || id=1002
        sql $node "SET innodb_lock_wait_timeout = 100; UPDATE xatop.accounts SET balance = balance + 0 WHERE id = $id" >/dev/null &
        pids+=($!)
        await 10 "somebody waits on $node" waiting $node 1 || not_ok "somebody waits on $node"
    done
    await 10 'a second has gone by' eval '[ "$(indoubt | grep -o "wait_s\":[1-9]" | wc -l)" = 2 ]' ||
        not_ok 'the wait is measured'
    expect_exit 0 'the list with waiters' indoubt
    for id in 0 1; do
        same "b$((id + 1)): who waits" "$(row $id 'waiters[0].user')" root
        same "b$((id + 1)): with what" "$(row $id 'waiters[0].statement')" \
            "UPDATE xatop.accounts SET balance = balance + 0 WHERE id = $((1001 + id))"
    done
    same 'one on each node' "$(grep -o '"thread":' <<<"$expect_out" | wc -l)" 2
    expect_exit 0 'the list in words' "$XATOP" indoubt
    says 'waiters in words' '(root) has waited'
    for node in n1 n2; do sql $node "REVOKE PROCESS ON *.* FROM 'xatop'@'localhost', 'xatop'@'127.0.0.1'"; done
    expect_exit 0 'the list without the right to know' indoubt
    same 'b1: not known' "$(row 0 waiters)" null
    says 'and what to grant' 'GRANT PROCESS'
    for node in n1 n2; do sql $node "GRANT PROCESS ON *.* TO 'xatop'@'localhost', 'xatop'@'127.0.0.1'"; done
    recover || not_ok 'recover with waiters'
    wait "${pids[@]}" && ok 'who waited goes on' || not_ok 'who waited goes on'
    audit 0 'waiters harmed nothing'
}

refuses()
{
    local long
    crash decide.durable "${transfer[@]}"
    expect_exit 2 'no reason' "$XATOP" indoubt rollback "$gtrid/b1"
    expect_exit 2 'an empty reason' "$XATOP" indoubt rollback "$gtrid/b1" --reason '  '
    long=$(printf 'x%.0s' {1..160})
    expect_exit 2 'a reason too long' "$XATOP" indoubt rollback "$gtrid/b1" --reason "$long"
    expect_exit 2 'no xid' force rollback "$gtrid"
    expect_exit 2 'no word' force roll "$gtrid/b1"
    expect_exit 1 'read only' "$XATOP" --readonly indoubt rollback "$gtrid/b1" --reason x
    expect_exit 1 'a branch that is not there' force rollback "$gtrid/b3"
    expect_exit 1 'against the decision, not spelled out' force rollback "$gtrid/b2"
    says 'how to spell it out' '--against-the-decision'
    sql n1 "XA START 'a', 'b', 9752; XA END 'a', 'b', 9752; XA PREPARE 'a', 'b', 9752"
    expect_exit 1 'a foreign branch' force rollback "X'61',X'62',9752"
    says 'named by its maker' 'Seata'
    expect_exit 1 'another coordinator' force rollback "${gtrid/xatop/other}/b1"
    says 'another coordinator named' "coordinator 'other'"
    same 'nothing happened' "$(listed n1) $(listed n2)" '2 1'
    sql n1 "XA ROLLBACK 'a', 'b', 9752" 2>/dev/null # it did nothing, and MariaDB says so: 1402
    "$XATOP" -q --fault 'delay=9000@commit.sent:n2' transfer --from 1003 --to 1004 --amount 1 >/dev/null 2>&1 &
    pid=$!
    held() { expect_out=$("$XATOP" --json status) && [ "$(json .log.holder_pid)" = "$pid" ]; }
    await 8 'a coordinator runs' held || not_ok 'a coordinator runs'
    expect_exit 7 'beside a coordinator' force rollback "$gtrid/b2" --against-the-decision
    wait "$pid"
    recover
    same 'all finished' "$(listed n1) $(listed n2)" '0 0'
}

forces()
{
    crash decide.append "${transfer[@]}"
    expect_exit 0 'what recovery would do' force rollback "$gtrid/b2"
    is 'it is no force' false .logged
    is 'as decided' as-decided .outcome
    recover
    expect_exit 0 'nothing kept' indoubt
    is 'nothing kept at all' '[]' .branches

    crash decide.durable "${transfer[@]}"
    expect_exit 5 'against the decision' force rollback "$gtrid/b2" --against-the-decision
    is 'rollback forced' 'rollback' .forced
    is 'logged before' true .logged
    is 'the decision' commit .decision
    is 'mixed' mixed .outcome
    says 'the gap' '"money_gap":-12.00'
    is 'where to compensate' n2 '.compensation[0].node'
    same 'the program log keeps it' "$(json '.compensation[0].sql');" \
        "$(sed -n 's/.*would compensate on n2: //p' "$XATOP_STATE/xatop.log" | tr '\n' ' ' | sed 's/ $//')"
    forced=$expect_out
    recover
    audit 5 'torn by force'
    is 'torn' "$gtrid" '.torn[0]'
    is 'and named as forced' "$gtrid" '.forced[0]'
    expect_exit 0 'kept' "$XATOP" --json status
    is 'status knows it' "$gtrid/b2" '.heuristics[0].xid'
    is 'status: mixed' mixed '.heuristics[0].outcome'
    expect_exit 0 'kept in the list' indoubt
    is 'the list knows it' forced '.branches[0].state'
    is 'with the reason' 'the test asks for it' '.branches[0].forced.reason'
    expect_exit 1 'not forgotten while it is owed' "$XATOP" indoubt forget "$gtrid/b2"
    expect_out=$forced
    run_test 'the compensation runs' run_compensation
    audit 0 'compensated'
    run_test 'recovery is content' recover
    expect_exit 0 'forgotten' "$XATOP" indoubt forget "$gtrid/b2"
    expect_exit 1 'forgotten twice' "$XATOP" indoubt forget "$gtrid/b2"
    expect_exit 0 'status after it' "$XATOP" --json status
    is 'nothing kept any more' '[]' .heuristics

    crash decide.append order --product 101 --quantity 2 --customer 2001
    expect_exit 5 'committed though nobody decided' force commit "$gtrid/b2" --against-the-decision
    is 'no decision' none .decision
    says 'money agrees within the branch' '"money_gap":0.00'
    is 'pieces do not' 2 .stock_gap
    forced=$expect_out
    recover
    audit 0 'recovery leaves its sibling to a hand'
    is 'which is pending' 1 .pending
    is 'and named as forced too' "$gtrid" '.forced[0]'
    expect_out=$forced
    run_test 'undone' run_compensation
    recover # nothing is committed any more: presumed abort
    same 'undone and rolled back' "$(listed n1) $(listed n2)" '0 0'
    audit 0 'undone: all is well'
    expect_exit 0 'forgotten too' "$XATOP" indoubt forget "$gtrid/b2"

    crash decide.append "${transfer[@]}"
    expect_exit 5 'committed by hand once more' force commit "$gtrid/b2" --against-the-decision
    expect_exit 5 'and its sibling rolled back' force rollback "$gtrid/b1"
    is 'the sibling says otherwise than the log' unknown .decision
    says 'the gap of both' '"money_gap":12.00'
    forced=$expect_out
    audit 5 'torn the other way'
    is 'torn by both' "$gtrid" '.torn[0]'
    expect_out=$forced
    run_test 'completed' run_compensation
    audit 0 'completed: all is well'
    "$XATOP" -q indoubt forget "$gtrid/b1" && "$XATOP" -q indoubt forget "$gtrid/b2" || not_ok 'forget both'

    crash decide.append "${transfer[@]}"
    expect_exit 5 'committed by hand a third time' force commit "$gtrid/b2" --against-the-decision
    expect_exit 0 'and its sibling too' force commit "$gtrid/b1"
    is 'the same everywhere' as-decided .outcome
    audit 0 'committed on both: all is well'
    "$XATOP" -q indoubt forget "$gtrid/b1" && "$XATOP" -q indoubt forget "$gtrid/b2" || not_ok 'forget both again'

    crash decide.durable order --product 102 --quantity 1 --customer 2002
    expect_exit 5 'an order half undone' force rollback "$gtrid/b2" --against-the-decision
    run_test 'done again' run_compensation
    recover
    audit 0 'an order done again: all is well'
    same 'its row is back' "$(sql n2 "SELECT product, customer, quantity FROM xatop.orders WHERE gtrid = '$gtrid'")" \
        "$(printf '102\t2002\t1')"
    expect_exit 0 'forgotten as well' "$XATOP" indoubt forget "$gtrid/b2"
}

# What is done again knows its key again: who repeats the request moves no money twice.
keeps_keys()
{
    crash decide.durable "${transfer[@]}" --id rent
    expect_exit 5 'the branch with the key' force rollback "$gtrid/b1" --against-the-decision
    run_test 'done again with its key' run_compensation
    recover
    expect_exit 0 'asked for again' "$XATOP" --json "${transfer[@]}" --id rent
    is 'answered, not repeated' "$gtrid" .gtrid
    audit 0 'once is enough'
    expect_exit 0 'the key: forgotten' "$XATOP" indoubt forget "$gtrid/b1"
}

# The state directory is lost: nobody knows the decision any more but people.
lost_log()
{
    crash decide.durable "${transfer[@]}"
    mv "$XATOP_STATE/dlog" "$XATOP_STATE/lost"
    expect_exit 0 'without its log' indoubt
    same 'another log'"'s" "$(row 0 owner) $(row 0 decision)" 'other-log null'
    same 'but what it meant is in its markers' "$(row 0 meaning)" '12.00 from 1001 to 1002'
    expect_exit 7 'another log owns the id' force commit "$gtrid/b1"
    expect_exit 3 'taken over, forced: hazard' force --take-over 'the disk is lost' commit "$gtrid/b1"
    is 'hazard' hazard .outcome
    is 'not known' unknown .decision
    expect_exit 0 'its sibling follows' force --take-over 'the disk is lost' commit "$gtrid/b2"
    is 'its sibling tells what was decided' as-decided .outcome
    audit 0 'forced by hand: all is well'
    "$XATOP" -q indoubt forget "$gtrid/b1" && "$XATOP" -q indoubt forget "$gtrid/b2" || not_ok 'forget both'
}

# many_sql: prepared branches with escape sequences, NULs, lengths up to 64 + 64, of several makers
many_sql()
{
    awk -v n="$MANY" 'BEGIN {
        split("9752 1096044365 131077 1114926712 1", format, " ")
        for (i = 0; i < n; i++) {
            g = sprintf("1b5b324a1b5d303b78079b00%08x", i)
            b = i % 2 ? "" : "0a0d"
            if (i % 2) { while (length(g) < 128) g = g "00"; while (length(b) < 128) b = b "ff" }
            x = "X\x27" g "\x27,X\x27" b "\x27," format[i % 5 + 1]
            printf "XA START %s; XA END %s; XA PREPARE %s;\n", x, x, x
        }
    }'
}

# quick NAME COMMAND...: its output in $tmp/out; within 20 s, without one raw control byte
quick()
{
    local name=$1 begun ended
    shift
    begun=$(date +%s%N)
    timeout 60 "$@" >"$tmp/out" 2>"$tmp/err" || { not_ok "$name" "exit $?: $(cat "$tmp/err")"; return; }
    ended=$(date +%s%N)
    printf '#   %s: %s ms, %s bytes\n' "$name" $(((ended - begun) / 1000000)) "$(stat -c %s "$tmp/out")"
    [ $((ended - begun)) -lt 20000000000 ] && ok "$name" || not_ok "$name" 'too slow'
    if LC_ALL=C grep -q -P '[\x00-\x08\x0b-\x1f\x7f\x80-\x9f]' "$tmp/out"; then
        not_ok "$name: no raw byte" "$(LC_ALL=C grep -m 1 -P '[\x00-\x08\x0b-\x1f\x7f\x80-\x9f]' "$tmp/out" | cat -v)"
    else
        ok "$name: no raw byte"
    fi
}
all() { sql n1 'XA RECOVER' | LC_ALL=C sort | sha256sum; sql n2 'XA RECOVER' | LC_ALL=C sort | sha256sum; }

many()
{
    local node before
    for node in n1 n2; do
        sql $node 'SET GLOBAL innodb_flush_log_at_trx_commit = 0; SET GLOBAL sync_binlog = 0'
        # MariaDB gives the session back after PREPARE only to a replica; MySQL always does
        { [ $node = n2 ] || echo 'SET pseudo_slave_mode = 1;'; many_sql; } >"$tmp/many.sql"
        "$client" --defaults-file="$XATOP_STATE/nodes/$node/admin.cnf" --loose-skip-ssl --batch <"$tmp/many.sql" ||
            not_ok "$node: prepared"
        sql $node 'SET GLOBAL innodb_flush_log_at_trx_commit = 1; SET GLOBAL sync_binlog = 1'
    done
    crash decide.durable "${transfer[@]}"
    before=$(all)
    quick 'very many: list' "$XATOP" indoubt
    same 'very many: bounded for people' "$(grep -c "X'" "$tmp/out")" 198
    same 'very many: the rest is counted' "$(tail -n 2 "$tmp/out" | head -n 1)" \
        "and $((2 * MANY + 2 - 200)) more; --limit 0 shows all"
    same 'very many: ours first' "$(sed -n 2p "$tmp/out" | grep -c "$gtrid/b1")" 1
    quick 'very many: all' "$XATOP" indoubt --limit 0
    same 'very many: every one' "$(grep -c foreign "$tmp/out")" $((2 * MANY))
    quick 'very many: JSON' "$XATOP" --json indoubt
    counted() { grep -o "\"owner\":\"$1\",\"maker\":$2" "$tmp/out" | wc -l; }
    same 'very many: every one in JSON' "$(counted foreign '"Seata"') $(counted foreign '"Bitronix"') $(counted foreign null)" \
        "$((2 * MANY / 5)) $((2 * MANY / 5)) $((2 * MANY / 5))"
    same 'very many: and ours' "$(counted ours '"xatop"')" 2
    same 'very many: the totals' "$(grep -o '"total":.*"foreign":[0-9]*' "$tmp/out")" "\"total\":$((2 * MANY + 2)),\"foreign\":$((2 * MANY))"
    quick 'very many: status' "$XATOP" --json status
    expect_out=$(cat "$tmp/out")
    is 'very many: status counts' $((MANY + 1)) '.nodes[0].prepared'
    is 'very many: only ours are in doubt' 2 .in_doubt
    quick 'very many: recover --dry-run' "$XATOP" --json recover --dry-run
    same 'very many: verdicts' "$(grep -o '"verdict":"foreign"' "$tmp/out" | wc -l)" $((2 * MANY))
    same 'very many: nothing touched' "$(all)" "$before"
    quick 'very many: recover' "$XATOP" --json recover
    expect_out=$(cat "$tmp/out")
    is 'very many: ours are finished' 2 .committed
    same 'very many: none of theirs' "$(listed n1) $(listed n2)" "$MANY $MANY"
}

if ! lab mariadb mysql; then
    skip 'in doubt by hand' 'a MariaDB and a MySQL server are needed'
    finish
fi
run_test 'the lab is set up' "$XATOP" -q setup
# XATOP_PARTS: only these, while working on one
for part in ${XATOP_PARTS:-knows waits refuses forces keeps_keys lost_log many}; do
    $part
done
finish
