#!/bin/bash
# The console on real servers, under tmux: transactions, streams over a node's death and freezing, terminals that stall or vanish,
# signals, sizes and odd terminals.
. "${srcdir:-.}/tests/lib/sh.sh"
. "${srcdir:-.}/tests/lib/cli.sh"

. "${srcdir:-.}/tests/lib/console.sh"

stream_s=${XATOP_STREAM_S:-60}

# --- the tests ------------------------------------------------------------------------------
single_transactions()
{
    start 80 24 || { screen; return 1; }
    press t
    await 10 "a transfer commits" shows '^│.* COMMITTED .* from 1[0-9]{3} to 1[0-9]{3}' || { screen; return 1; }
    press o
    await 10 "an order commits" shows '^│.* COMMITTED .* product 1[0-9]{2}' || { screen; return 1; }
    await 5 "both are counted" more_than 1 || { screen; return 1; }
    leave || { screen; return 1; }
}

# A stream over the death of a node: the screen never stops, the stream goes on during and after.
stream_over_death()
{
    local until=$((SECONDS + stream_s)) killed=0 restarted=0 began=$SECONDS
    start 80 24 || { screen; return 1; }
    press T T
    goes_on || { screen; return 1; }
    while [ "$SECONDS" -lt "$until" ]; do
        lives || { screen; return 1; }
        if [ "$killed" = 0 ] && [ $((SECONDS - began)) -ge $((stream_s / 3)) ]; then
            killed=1
            press 1 Down K
            await 5 "it asks" shows 'Kill n2' && press y
            await 10 "the node is down" shows '1/2' || { screen; return 1; }
        elif [ "$killed" = 1 ] && [ "$restarted" = 0 ] && [ $((SECONDS - began)) -ge $((stream_s * 3 / 5)) ]; then
            restarted=1
            press R
            await 5 "it asks" shows 'estart n2' && press y
            up || { screen; return 1; }
        fi
        goes_on 10 || { screen; return 1; }
    done
    [ "$restarted" = 1 ] || return 1
    await 40 "the audit in the header is fresh and OK" audit_fresh || { screen; return 1; }
    hides VIOLATED || { screen; return 1; }
    leave || { screen; return 1; }
}

frozen_node()
{
    local code=0
    start 80 24 || { screen; return 1; }
    press T T
    goes_on || { screen; return 1; }
    "$XATOP" nodes freeze n2 || return 1
    await 15 "it is seen to be frozen" shows 'n2 +FROZEN' && lives && lives && lives && goes_on 10 && goes_on 10 || code=1
    [ "$code" = 0 ] || screen
    "$XATOP" nodes thaw n2 && [ "$code" = 0 ] || return 1
    up && goes_on || { screen; return 1; }
    leave || { screen; return 1; }
}

markers() { sql n1 'SELECT COUNT(*) FROM xatop.xa_marker'; }
markers_above() { [ "$(markers)" -gt "$1" ]; }
clock_is_now()
{
    local shown
    shown=$(header_clock)
    [ -n "$shown" ] && [ $(($(date +%s) - $(date -d "$shown" +%s))) -le 2 ]
}
behind_script() { console 80 24 script -qfc "$XATOP" "$tmp/typescript"; await 30 "the console is up" shows '2/2'; }
# script(1)'s pids: who reads the console's terminal
readers() { pgrep -f "^script -qfc $XATOP $tmp/typescript"; }

# Nobody reads the terminal for a while: transactions go on, and then the screen is right at once.
stalled_terminal()
{
    local pids frozen
    behind_script || { screen; return 1; }
    press T T
    goes_on || { screen; return 1; }
    pids=$(readers)
    kill -STOP $pids || return 1
    # far more than its last frames could have told: the buffers of the terminal are full by then
    await 30 "transactions go on" markers_above $(($(markers) + 1500)) || return 1
    frozen=$(header_clock)
    kill -CONT $pids
    await 3 "the screen is right at once" clock_is_now || { echo "$frozen"; screen; return 1; }
    goes_on || { screen; return 1; }
}

# ... and then it vanishes: the program is gone within a second (two on a busy machine).
lost_terminal()
{
    local program begun took
    program=$(pgrep -f "^$XATOP\$" | head -n 1)
    [ -n "$program" ] || return 1
    begun=$(date +%s%N)
    kill -KILL $(readers)
    await 5 "the program is gone" gone "$program" || return 1
    took=$((($(date +%s%N) - begun) / 1000000))
    echo "# terminal lost: gone after $took ms" >&3
    [ "$took" -lt 2000 ]
}

# signal NAME NUMBER
signal_restores()
{
    start 80 24 || { screen; return 1; }
    press T
    goes_on || { screen; return 1; }
    kill "-$1" "$(pid)"
    ended $((128 + $2)) 15 || { screen; return 1; }
    [ "$(term display-message -p -t c '#{alternate_on}#{cursor_flag}')" = 01 ]
}

beside()
{
    start 80 24 || { not_ok "$1: a console" "$(screen)"; return; }
    expect_exit 7 "$1: a second console is refused" "$XATOP"
    case $expect_err in *"$(pid)"*) ok "$1: and says the pid" ;; *) not_ok "$1: and says the pid" "$expect_err" ;; esac
    expect_exit 7 "$1: a transfer is refused" "$XATOP" transfer --from 1001 --to 1002 --amount 1.00
    press t
    await 10 "a transfer" more_than 0
    local command
    for command in status audit log 'indoubt list' 'nodes list'; do
        # shellcheck disable=SC2086
        expect_exit 0 "$1: beside it: $command" "$XATOP" --json $command
    done
    expect_exit 0 "$1: log" "$XATOP" log
    local gtrid
    gtrid=$(grep -oE 'xa1\.[a-z0-9.]+' <<<"$expect_out" | head -n 1)
    expect_exit 0 "$1: beside it: show" "$XATOP" show "$gtrid"
    run_test "$1: and it still lives" lives
    run_test "$1: it leaves" leave
}

read_only()
{
    start 80 24 --readonly || { screen; return 1; }
    press t
    await 5 "t is refused" shows 'read-only: nothing that acts' || { screen; return 1; }
    press 1 K
    lives
    hides 'Kill n' && [ "$(committed)" = 0 ] || { screen; return 1; }
    press q
    ended 0 || { screen; return 1; }
}

no_color()
{
    NO_COLOR=1 console 80 24 env NO_COLOR=1 "$XATOP"
    await 30 "the console is up" shows '2/2' || { screen; return 1; }
    ! term capture-pane -pe -t c | grep -qE $'\e\\[[0-9;]*(3[0-7]|38|9[0-7])[;m]' || return 1
    press q
    ended 0 || { screen; return 1; }
}

plain_c()
{
    locale=C start 80 24 || { screen; return 1; }
    press t
    await 10 "a transfer" more_than 0
    ! screen | LC_ALL=C grep -q '[^ -~]' || { screen; return 1; }
    press q
    ended 0 || { screen; return 1; }
}

unknown_terminal()
{
    console 80 24 env TERM=no-such-terminal "$XATOP"
    await 30 "it comes up" shows '2/2' || { screen; return 1; }
    press t
    await 10 "it works" more_than 0 || { screen; return 1; }
    press q
    ended 0 || { screen; return 1; }
    console 80 24 env TERM=dumb "$XATOP"
    ended 2 || { screen; return 1; }
    shows 'dumb' || { screen; return 1; }
}

sizes()
{
    local i
    start 200 60 || { screen; return 1; }
    press T
    goes_on || { screen; return 1; }
    term resize-window -t c -x 40 -y 10
    await 5 "it fits 40x10" shows '^.{20,40}$' && shows '2/2' && goes_on || { screen; return 1; }
    term resize-window -t c -x 1 -y 1
    for i in {1..60}; do
        term resize-window -t c -x $((RANDOM % 220 + 1)) -y $((RANDOM % 70 + 1))
    done
    term resize-window -t c -x 1 -y 1
    term resize-window -t c -x 80 -y 24
    await 10 "it is whole again" shows '^└─+┘$' && lives && goes_on || { screen; return 1; }
    press 0
    await 20 "all is finished" shows ' 0 unfinished'
    leave || { screen; return 1; }
}

on_makes()
{
    local make=$1-$2 signal
    lab "$1" "$2" || { skip "$make: the console" "a server is missing here"; return; }
    expect_exit 0 "$make: setup" "$XATOP" setup || return
    run_test "$make: t and o commit and are shown" single_transactions
    run_test "$make: a stream of $stream_s s over a node's death" stream_over_death
    nothing_left "$make: after the stream"
    run_test "$make: a frozen node stops nobody else" frozen_node
    nothing_left "$make: after the frozen node"
    [ "$1" = "$2" ] || return # what follows is not the servers' business
    run_test "$make: a stalled terminal stops no transaction" stalled_terminal
    run_test "$make: a lost terminal ends the program" lost_terminal
    nothing_left "$make: after the lost terminal"
    for signal in 'HUP 1' 'INT 2' 'QUIT 3' 'TERM 15'; do
        # shellcheck disable=SC2086
        run_test "$make: SIG${signal% *} restores the terminal" signal_restores $signal
    done
    nothing_left "$make: after the signals"
    beside "$make"
    run_test "$make: read-only" read_only
    run_test "$make: NO_COLOR" no_color
    run_test "$make: LC_ALL=C is ASCII" plain_c
    run_test "$make: terminals unknown and dumb" unknown_terminal
    run_test "$make: sizes and resize storms" sizes
    nothing_left "$make: at the end"
}

exec 3>&1
on_makes mariadb mariadb
on_makes mysql mariadb
finish
