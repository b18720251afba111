#!/bin/bash
# chaos on real servers: everything is broken by a seed's plan, heals, and the books are right; what is torn is seen.
. "${srcdir:-.}/tests/lib/sh.sh"
. "${srcdir:-.}/tests/lib/cli.sh"

SEED=5 DURATION=25

# at_least NAME LEAST PATH
at_least()
{
    local got
    got=$(json "$3")
    if [ "${got%.*}" -ge "$2" ] 2>/dev/null; then ok "$1"; else not_ok "$1" "$3 is '$got', expected $2 or more in $expect_out"; fi
}

plans()
{
    local a b c
    expect_exit 0 'plan: needs no servers' "$XATOP" chaos --seed $SEED --duration 20 --plan
    a=$expect_out
    expect_exit 0 'plan: again' "$XATOP" chaos --seed $SEED --duration 20 --plan
    b=$expect_out
    expect_exit 0 'plan: of another seed' "$XATOP" chaos --seed 6 --duration 20 --plan
    c=$expect_out
    if [ -n "$a" ] && [ "$a" = "$b" ]; then ok 'plan: the same seed draws the same'; else not_ok 'plan: the same seed draws the same'; fi
    if [ "$a" != "$c" ]; then ok 'plan: another seed draws another'; else not_ok 'plan: another seed draws another'; fi
    expect_exit 0 'plan: as JSON' "$XATOP" --json chaos --seed $SEED --duration 20 --plan
    is 'plan: the seed is told' $SEED .seed
}

refuses()
{
    expect_exit 2 'too short a time is wrong usage' "$XATOP" chaos --duration 3
    expect_exit 2 'a worker without its supervisor' "$XATOP" chaos worker 3
    expect_exit 2 'a hand without its supervisor' "$XATOP" chaos hand 3 kill n1 5
    printf 'nodes = ( { name = "n1"; host = "127.0.0.1"; }, { name = "n2"; lab = true; } );\n' >"$tmp/foreign.conf"
    expect_exit 1 'a server that is not our own' "$XATOP" -c "$tmp/foreign.conf" chaos --duration 5
    [[ $expect_err == *"not a lab node"* ]] && ok 'and it says why' || not_ok 'and it says why' "$expect_err"
}

# nothing_left: no process of chaos, every server up, writable, not frozen
nothing_left()
{
    local node
    for node in n1 n2; do
        [ "$(sql $node 'SELECT @@global.read_only')" = 0 ] || { echo "$node is read-only"; return 1; }
        [ "$(sql $node "SELECT COUNT(*) FROM information_schema.STATISTICS WHERE INDEX_NAME = 'xatop_chaos'")" = 0 ] ||
            { echo "$node has the index of chaos still"; return 1; }
        [ -z "$(sql $node 'XA RECOVER')" ] || { echo "$node: $(sql $node 'XA RECOVER')"; return 1; }
    done
    ! grep -alE '^xatop.*chaos.(worker|hand)' /proc/[0-9]*/cmdline 2>/dev/null | while read -r process; do
        tr '\0' ' ' <"$process" 2>/dev/null | grep -F "$XATOP_STATE"
    done | grep .
}

survives()
{
    local make=$1
    expect_exit 0 "$make: chaos passes" "$XATOP" --json chaos --seed $SEED --duration $DURATION
    is "$make: of that seed" $SEED .seed
    is "$make: the audit holds" true .audit_ok
    is "$make: nothing is torn" '[]' .torn
    is "$make: nothing is left prepared" 0 .branches_left
    at_least "$make: transactions" $((300 * DURATION / 60)) .transactions
    at_least "$make: coordinator kills" $((10 * DURATION / 60)) .coordinator_kills
    at_least "$make: nodes killed" 1 .node_kills
    at_least "$make: nodes frozen" $((10 * DURATION / 60)) .node_freezes
    at_least "$make: links broken" $((10 * DURATION / 60)) .link_faults
    at_least "$make: locks" 1 .faults.lock
    at_least "$make: read_only" 1 .faults.read_only
    at_least "$make: KILL storms" 1 .faults.kill_storm
    at_least "$make: rivals" 1 .faults.deadlock
    at_least "$make: a pause was measured" 1 .longest_gap_ms
    run_test "$make: nothing is left behind" nothing_left
    expect_exit 0 "$make: links" "$XATOP" --json link
    is "$make: the link of n1 is whole" heal '.links[0].words'
    is "$make: the link of n2 is whole" heal '.links[1].words'
    expect_exit 0 "$make: transfers go on" "$XATOP" transfer --from 1001 --to 1002 --amount 1
}

availability()
{
    local make=$1 i
    expect_exit 0 "$make: availability alone" "$XATOP" --json chaos --duration 0 --availability
    is "$make: first without trouble" none '.availability[0].case'
    for i in 1 2 3 4; do is "$make: case $i happened" true ".availability[$i].hit"; done
    is "$make: the last is the coordinator's" coordinator-kill '.availability[4].case'
    # asked is what the clock says, not what somebody heard
    for i in 0 4; do is "$make: asked in case $i" 599 ".availability[$i].asked"; done
    is "$make: the audit holds after it" true .audit_ok
}

# A supervisor that is killed takes its coordinator and its hands with it; the next run is not disturbed.
dies()
{
    local make=$1 pid
    "$XATOP" -q chaos --seed 3 --duration 60 2>"$tmp/err" &
    pid=$!
    await 30 "load" grep -q 'chaos: coordinator' "$XATOP_STATE/xatop.log"
    kill -9 "$pid"
    wait "$pid" 2>/dev/null
    gone() { ! grep -al "chaos.worker\|chaos.hand" /proc/[0-9]*/cmdline 2>/dev/null | xargs -r grep -alF "$XATOP_STATE" 2>/dev/null | grep -q .; }
    if await 60 "children of a killed supervisor" gone; then ok "$make: killed, it leaves nobody"; else not_ok "$make: killed, it leaves nobody"; fi
    "$XATOP" -q nodes thaw >/dev/null 2>&1
    expect_exit 0 "$make: servers are still there or start" "$XATOP" setup
    expect_exit 0 "$make: recover" "$XATOP" --json --wait 30 recover
}

# ^C ends the load early: it heals, audits, tells what there was, and that it proves nothing
proves_nothing()
{
    local make=$1
    expect_exit 6 "$make: too little happened" timeout --preserve-status -s INT 4 "$XATOP" --json chaos --seed 4 --duration 60
    is "$make: it was healed and audited" true .audit_ok
    [[ $expect_err == *"proved nothing"* ]] && ok "$make: it says what was too little" || not_ok "$make: it says what was too little" "$expect_err"
}

sees_torn()
{
    local make=$1 gtrid
    expect_exit 0 "$make: a transfer" "$XATOP" --json transfer --from 1001 --to 1002 --amount 1
    gtrid=$(json .gtrid)
    sql n2 "DELETE FROM xatop.xa_marker WHERE gtrid = '$gtrid'"
    expect_exit 5 "$make: a torn database fails it" "$XATOP" --json chaos --seed 6 --duration 5
    is "$make: it is named" false .audit_ok
}

on_makes()
{
    local make=$1-$2
    lab "$1" "$2" || { skip "$make: chaos" "a server is missing here"; return; }
    expect_exit 1 "$make: before setup" "$XATOP" chaos --duration 5
    expect_exit 0 "$make: setup" "$XATOP" --json setup || return
    expect_exit 2 "$make: a fault that cannot be read" "$XATOP" chaos --duration 5 --fault nonsense
    survives "$make"
    proves_nothing "$make"
    availability "$make"
    dies "$make"
    sees_torn "$make"
}

plans
refuses
on_makes mysql mariadb
finish
