#!/bin/bash
# Markers are bounded: below the verified floor the audit lists none, and what the log has forgotten is folded into sums.
. "${srcdir:-.}/tests/lib/sh.sh"
. "${srcdir:-.}/tests/lib/cli.sh"

RETENTION_S=60 # the shortest there is

transfer() { "$XATOP" --json transfer --from 1001 --to 1002 --amount "$@"; }
count() { sql "$1" "SELECT COUNT(*) FROM xatop.xa_marker"; }
floor() { sql "$1" "SELECT finished FROM xatop.xa_floor"; }

# want SECONDS NAME CONDITION...: one result
want() { if await "$@"; then ok "$2"; else not_ok "$2"; fi; }

# A coordinator that stays: its one transaction hangs before the second XA COMMIT for this long, while the floor is raised.
# coordinator MS: in the background, its pid in $pid
coordinator()
{
    "$XATOP" -q --fault "delay=$1@commit.sent:n2" transfer --from 1001 --to 1002 --amount 1 >/dev/null 2>"$tmp/err" &
    pid=$!
}

# One that stays and decides nothing: its transaction cannot begin, and is given up after 100 s. In the background, its pid in $pid
keeper()
{
    TRANSACTION_TIMEOUT=100 "$XATOP" -q --fault delay=200000@start.sent:n2 transfer --from 1001 --to 1002 --amount 1 >/dev/null 2>"$tmp/err" &
    pid=$!
}
swept() { "$XATOP" --json log | jq -e 'select(.type == "swept")'; }

# Is the newest marker that both nodes list at or below the floor of NODE?
floor_at() { [ "$(floor "$1")" \> "$2" ] || [ "$(floor "$1")" = "$2" ]; }
fewer() { [ "$(count "$1")" -lt "$2" ]; }
folded() { [ "$(sql "$1" 'SELECT COUNT(*) FROM xatop.xa_folded')" -gt 0 ]; }

audit_ok()
{
    expect_exit 0 "$1" "$XATOP" --json audit
    is "$1: it holds" true .ok
    is "$1: nothing torn" '[]' .torn
}

# hide NODE GTRID: its marker taken away by hand
hide()
{
    sql "$1" "CREATE TABLE xatop.saved AS SELECT * FROM xatop.xa_marker WHERE gtrid = '$2';
              DELETE FROM xatop.xa_marker WHERE gtrid = '$2'"
}
unhide() { sql "$1" "INSERT INTO xatop.xa_marker SELECT * FROM xatop.saved; DROP TABLE xatop.saved"; }

rises()
{
    local make=$1 last i
    for i in 1 2 3; do transfer 1.00 >"$tmp/last" || not_ok "$make: a transfer"; done
    expect_out=$(cat "$tmp/last")
    last=$(json .gtrid)
    coordinator 9000
    want 9 "$make: the floor rises on n1" floor_at n1 "$last"
    want 9 "$make: the floor rises on n2" floor_at n2 "$last"
    [ "$(floor n1)" = "$(floor n2)" ] && ok "$make: to the same" || not_ok "$make: to the same" "$(floor n1) $(floor n2)"
    hide n2 "$last" # below the floor: not listed any more, so not missed; but the sum does not come out
    expect_exit 5 "$make: a marker below the floor is gone" "$XATOP" --json audit
    is "$make: seen in the sum" n2 '.wrong[0]'
    is "$make: and not in the list" '[]' .torn
    unhide n2
    audit_ok "$make: audit beside the coordinator"
    is "$make: the one it holds is pending" 1 .pending
    wait "$pid" && ok "$make: the coordinator ends well" || not_ok "$make: the coordinator ends well" "$(cat "$tmp/err")"
}

sees_torn()
{
    local make=$1 gtrid held
    transfer 1.00 >"$tmp/last"
    expect_out=$(cat "$tmp/last")
    gtrid=$(json .gtrid)
    hide n2 "$gtrid"
    expect_exit 5 "$make: a marker above the floor is gone" "$XATOP" --json audit
    is "$make: torn" "$gtrid" '.torn[0]'
    held=$(floor n1)
    coordinator 7000
    want 7 "$make: the coordinator says so" grep -q "$gtrid is torn" "$XATOP_STATE/xatop.log"
    wait "$pid" || not_ok "$make: the coordinator ends well" "$(cat "$tmp/err")"
    [ "$(floor n1)" \< "$gtrid" ] && ok "$make: the floor stays below it" || not_ok "$make: the floor stays below it" "$held"
    expect_exit 5 "$make: and it is still seen" "$XATOP" --json audit
    unhide n2
    audit_ok "$make: mended"
}

# Killed at any moment of a round, the nodes are left with different floors or the same: never with a wrong one.
killed()
{
    local make=$1 round
    for round in 3.1 3.3; do
        transfer 1.00 >/dev/null || not_ok "$make: a transfer"
        coordinator 9000
        timeout "$round" tail --pid="$pid" -f /dev/null # its round comes after 3 s
        kill -9 "$pid"
        wait "$pid" 2>/dev/null
        expect_exit 0 "$make: recover after SIGKILL" "$XATOP" --json recover
        audit_ok "$make: after SIGKILL"
    done
}

prunes()
{
    local make=$1 n1 n2 first
    expect_exit 0 "$make: with a key" transfer 1.00 --id pruned
    first=$(sql n1 'SELECT MIN(gtrid) FROM xatop.xa_marker')
    expect_exit 0 "$make: show before it is removed" "$XATOP" --json show "$first"
    is "$make: committed" committed .outcome
    n1=$(count n1) n2=$(count n2)
    # a minute after the floor stands, a look at every node says that nothing came back; the retention counts from then
    keeper
    want 95 "$make: what was verified is looked at again" swept
    local swept_ms
    swept_ms=$(date +%s%3N)
    kept() { [ $(($(date +%s%3N) - swept_ms)) -gt $((RETENTION_S * 1000)) ]; }
    wait "$pid"
    want $((RETENTION_S + 20)) "$make: the retention passes" kept
    # the next opening leaves out what has been kept long enough
    coordinator 9000
    want 9 "$make: markers of n1 are removed" folded n1
    want 9 "$make: markers of n2 are removed" folded n2
    audit_ok "$make: audit while it prunes"
    wait "$pid" && ok "$make: the coordinator ends well" || not_ok "$make: the coordinator ends well" "$(cat "$tmp/err")"
    fewer n1 "$n1" && fewer n2 "$n2" && ok "$make: fewer than before" || not_ok "$make: fewer than before" "$(count n1) $(count n2)"
    audit_ok "$make: audit after pruning"
    expect_exit 3 "$make: show after it was removed" "$XATOP" --json show "$first"
    is "$make: it does not pretend to know" in-doubt .outcome
    expect_exit 0 "$make: the key is still known" transfer 1.00 --id pruned
    is "$make: and answered" true .repeated
}

on_makes()
{
    local make=$1-$2
    lab "$1" "$2" || { skip "$make: floor" "a server is missing here"; return; }
    printf 'retention_s = %d;\n' $RETENTION_S >>"$XATOP_CONFIG"
    expect_exit 0 "$make: setup" "$XATOP" --json setup || return
    rises "$make"
    sees_torn "$make"
    killed "$make"
    prunes "$make"
}

on_makes mysql mariadb
finish
