#!/bin/bash
# The coordinator dies at every point it passes; one recovery pass later nothing is torn and nothing of ours is prepared.
. "${srcdir:-.}/tests/lib/sh.sh"
. "${srcdir:-.}/tests/lib/cli.sh"

points='begin start.sent start.reply work.sent work.reply end.sent end.reply prepare.sent prepare.reply
        decide.append decide.durable commit.sent commit.reply forget'

# crash NAME POINT AMOUNT [OPTION...]: die there, recover, audit, look for what is left.
crash()
{
    local name=$1 point=$2 amount=$3 gtrids
    shift 3
    expect_exit 99 "$name: dies" "$XATOP" transfer --from 1001 --to 1002 --amount "$amount" --fault "crash@$point" "$@" || return
    expect_exit 0 "$name: recovers" "$XATOP" --json recover || return
    is "$name: nothing is left unfinished" 0 .unfinished
    expect_exit 0 "$name: the audit holds" "$XATOP" --json audit || return
    is "$name: nothing is torn" '[]' .torn
    is "$name: nothing is pending" 0 .pending
    gtrids=$(sql n1 'XA RECOVER'; sql n2 'XA RECOVER')
    case $gtrids in *xa1.*) not_ok "$name: nothing of ours is prepared" "$gtrids" ;; *) ok "$name: nothing of ours is prepared" ;; esac
    case $gtrids in *somebody*) ;; *) not_ok "$name: somebody else's branch is still there" "$gtrids" ;; esac
}

# on_makes MAKE1 MAKE2 POINTS
on_makes()
{
    local make=$1-$2 point
    lab "$1" "$2" || { skip "$make: crash points" "a server is missing here"; return; }
    expect_exit 0 "$make: setup" "$XATOP" setup || return
    sql n2 "XA START 'somebody'; UPDATE xatop.accounts SET balance = balance + 1 WHERE id = 1020;
            XA END 'somebody'; XA PREPARE 'somebody'" || not_ok "$make: somebody else's branch"
    for point in $3; do
        crash "$make: $point" "$point" 1.00
        case $point in
        begin | forget | decide.*) ;;
        *) crash "$make: $point of the second branch" "$point:2" 1.00 ;;
        esac
    done
    for point in rollback.sent rollback.reply rollback.sent:2 rollback.reply:2; do
        crash "$make: $point" "$point" 1000000.00
    done
    for point in work.sent prepare.reply commit.sent:2; do
        crash "$make: $point in a packet" "$point" 1.00 --wire packet
    done
    sql n2 "XA ROLLBACK 'somebody'"
}

on_makes mariadb mariadb "$points"
on_makes mysql mysql "$points"
on_makes mysql mariadb 'prepare.reply decide.durable commit.sent commit.reply'
finish
