#!/bin/bash
# Faults on the console, on real servers, under tmux: armed by keys, shown while they are, seen to fire; branches in doubt that come and
# go with a node; nodes frozen and links cut by keys.
. "${srcdir:-.}/tests/lib/sh.sh"
. "${srcdir:-.}/tests/lib/cli.sh"
. "${srcdir:-.}/tests/lib/console.sh"

# Transfers until the fault fires: random ones may stay within one node.
fire()
{
    local i
    for i in {1..40}; do
        press t
        await 2 "it fires" quiet >/dev/null && return
    done
    return 1
}
quiet() { hides 'FAULT ARMED'; }
# What a test that failed has left must not fail the next.
begin() { put_away; "$XATOP" -q nodes start >/dev/null 2>&1; start "$@"; }
# type WORDS: as somebody types them
type() { term send-keys -t c -l "$1"; }
# arm_typed SPEC: f, :, the words, Enter; then the banner names it
arm_typed()
{
    press f
    await 5 "the palette opens" shows 'Arm a fault' || return 1
    press :
    type "$1"
    await 5 "what is typed is shown" shows "fault $1" || return 1
    press Enter
    await 5 "the banner names it" shows "! FAULT ARMED: .*$1"
}

# delay@prepare.sent:n2 from the menu: kind, point and node by arrows
armed_from_the_menu()
{
    begin 80 24 || { screen; return 1; }
    press f
    await 5 "the palette opens" shows 'Arm a fault' || { screen; return 1; }
    press Down Down
    await 5 "the help of the kind is there" shows 'held for MS milliseconds' || { screen; return 1; }
    press Right Down Down Down Down Down Down Right Down Down Right Right Down
    await 5 "the fault is put together" shows 'fault delay=200@prepare.sent:n2 ' || { screen; return 1; }
    press Enter
    await 5 "the banner names it" shows '! FAULT ARMED: delay=200@prepare.sent:n2 ' && shows 'ARM 1' || { screen; return 1; }
    await 5 "it is said to be armed" shows 'armed: delay=200@prepare.sent:n2' || { screen; return 1; }
    # in the colour of alarms; that it is inverse too, also without colour, the golden screens say
    term capture-pane -pe -t c | sed -n 2p | grep -qE $'\e\\[38;5;166m ! FAULT ARMED' || { screen; return 1; }
    fire || { screen; return 1; }
    await 10 "and is told" shows 'fault hit: delay=200@prepare.sent:n2' || { screen; return 1; }
    press f
    await 5 "the palette tells what has fired" shows 'fired .* delay=200@prepare.sent:n2' || { screen; return 1; }
    press q
    arm_typed drop@forget || { # it has no meaning there
        await 5 "it is refused with the reason" shows "fault 'drop' has no meaning at 'forget'" || { screen; return 1; }
    }
    quiet || { screen; return 1; }
    arm_typed drop@rollback.sent:n1 && arm_typed kill@begin:n2#50 && shows 'ARM 2' || { screen; return 1; }
    press F
    await 5 "F disarms all" quiet || { screen; return 1; }
    leave || { screen; return 1; }
}

on_n2() { sql n2 'XA RECOVER' | grep -c xa1.; }
no_doubt() { shows 'no branch is prepared on the nodes that were read' && hides 'doubt [1-9]'; }

# A node is killed between its vote and the commit: the branch is in doubt for as long as it is away.
doubt_comes_and_goes()
{
    begin 80 24 || { screen; return 1; }
    press 5
    await 15 "nothing is in doubt" no_doubt || { screen; return 1; }
    arm_typed kill@decide.durable:n2 || { screen; return 1; }
    fire || { screen; return 1; }
    await 15 "the node is down" shows '1/2' || { screen; return 1; }
    await 15 "the branch is listed" shows '#[0-9]+/[12] .* n2 +COMMIT\?' || { screen; return 1; }
    await 15 "with what it waits for" shows 'waits for the node|try [0-9]+ (in [0-9.]+ s|now)' || { screen; return 1; }
    await 15 "the node is said not to be read" shows 'n2 DOWN: not read' || { screen; return 1; }
    press Enter
    await 5 "what is known of it" shows 'transaction +#[0-9]+ ' && shows 'n2 \(DOWN\)' || { screen; return 1; }
    press q
    press 1 Down R
    await 5 "it asks" shows 'estart n2' && press y
    up || { screen; return 1; }
    press 5
    await 30 "it is told and the pane is empty" no_doubt || { screen; return 1; }
    [ "$(on_n2)" = 0 ] || { sql n2 'XA RECOVER'; return 1; }
    leave || { screen; return 1; }
}

node_keys()
{
    begin 80 24 || { screen; return 1; }
    press 1 Down Z
    await 5 "it asks" shows 'Freeze n2' && press y
    await 15 "it is frozen" shows 'n2 +FROZEN' || { screen; return 1; }
    press Z
    up || { screen; return 1; }
    press C
    await 5 "it asks" shows 'Cut the link of n2' && press y
    await 20 "it is cut" shows 'n2 +CUT' || { screen; return 1; }
    press C
    up || { screen; return 1; }
    leave || { screen; return 1; }
}

# What a coordinator left prepared that crashed before its decision was written: the next one rolls it back, before the eyes.
after_a_crash()
{
    "$XATOP" transfer --from 1001 --to 1002 --amount 1.00 --fault crash@decide.append
    [ $? = 99 ] || return 1
    begin 120 40 || { screen; return 1; }
    await 30 "recovery has ended what was left" shows 'no branch is prepared|finished since' || { screen; return 1; }
    [ "$(on_n2)" = 0 ] || { sql n2 'XA RECOVER'; return 1; }
    leave || { screen; return 1; }
}

# A crash that was armed by keys ends the program as it does without a screen, and the terminal is whole.
crash_restores()
{
    begin 80 24 || { screen; return 1; }
    arm_typed crash@decide.durable || { screen; return 1; }
    local i
    for i in {1..40}; do # the first over both nodes
        press t
        await 1 "it crashes" shows console-end >/dev/null && break
    done
    ended 99 15 || { screen; return 1; }
    shows 'injected crash@decide.durable' || { screen; return 1; }
    [ "$(term display-message -p -t c '#{alternate_on}#{cursor_flag}')" = 01 ]
}

on_makes()
{
    local make=$1-$2
    lab "$1" "$2" || { skip "$make: faults on the console" "a server is missing here"; return; }
    expect_exit 0 "$make: setup" "$XATOP" setup || return
    run_test "$make: a fault is armed by keys, shown and fires" armed_from_the_menu
    run_test "$make: doubt comes and goes with a node" doubt_comes_and_goes
    run_test "$make: nodes frozen and thawed, links cut and healed by keys" node_keys
    run_test "$make: what a crash left is ended on the screen" after_a_crash
    run_test "$make: a crash by keys leaves the terminal whole" crash_restores
    nothing_left "$make: at the end"
}

exec 3>&1
on_makes mariadb mariadb
on_makes mysql mariadb
finish
