#!/bin/bash
# The rooms of src/ include only what the table in ARCHITECTURE.md lets them, and keep foreign headers where they belong.
. "${srcdir:-.}/tests/lib/sh.sh"

# room: the rooms whose public headers it may include (its own always)
declare -A may=(
    [base]=''
    [xa]='base'
    [trace]='base xa'
    [protocol]='base xa'
    [worker]='base'
    [dlog]='base xa worker'
    [node]='base xa worker scenario'
    [lab]='base'
    [fault]='base xa worker'
    [command]='base xa'
    [engine]='base xa trace protocol dlog node fault worker scenario command'
    [scenario]='base xa command'
    [model]='base xa trace'
    [ui]='base model command'
    [cmd]='base xa trace protocol worker dlog node lab fault command engine scenario model ui'
)

# Public headers that are not named after the room they belong to.
declare -A room_of=()
assign() { local room=$1 header; shift; for header in "$@"; do room_of[$header]=$room; done; }
assign base books clock completion effect forced i18n limits log money prng status text vocab waits work
assign xa xid xid_maker_list verb points
assign trace trace export
assign protocol txn recovery heuristic
assign worker worker lock
assign dlog dlog dlog_writer dlog_format disk disk_memory disk_file
assign node floor preflight node node_list node_sim node_harm node_mysql
assign lab lab
assign fault fault fault_list link
assign command command
assign engine engine loop
assign scenario scenario scenario_list
assign model model model_doubt snapshot
assign ui ui canvas pane pane_list key_list theme console screen
assign cmd access cmd cmd_list configuration configuration_list journal runtime

# foreign header: the files that may include it
declare -A foreign=(
    [mysql.h]='src/node/node_mysql*'
    [errmsg.h]='src/node/node_mysql*'
    [mysqld_error.h]='src/node/node_mysql*'
    [curses.h]='src/ui/screen.[ch] src/ui/keys.[ch]'
    [ncurses.h]='src/ui/screen.[ch] src/ui/keys.[ch]'
    [ncursesw/curses.h]='src/ui/screen.[ch] src/ui/keys.[ch]'
    [ncursesw/ncurses.h]='src/ui/screen.[ch] src/ui/keys.[ch]'
    [term.h]='src/ui/screen.c'
    [jansson.h]='src/trace/* src/cmd/*'
    [libconfig.h]='src/cmd/config.c'
    [getopt.h]='src/cmd/*'
    [pthread.h]='src/worker/*'
    [spawn.h]='src/lab/*'
    [event2/buffer.h]='src/fault/link*'
    [event2/bufferevent.h]='src/fault/link*'
    [event2/event.h]='src/fault/link*'
    [event2/listener.h]='src/fault/link*'
    [sys/socket.h]='src/node/node_mysql* src/lab/* src/fault/link*'
    [netinet/in.h]='src/node/node_mysql* src/lab/* src/fault/link*'
    [poll.h]='src/node/node_mysql* src/lab/* src/fault/link* src/worker/* src/engine/loop.c src/ui/keys.c src/cmd/*'
)
pure='string.h stdbool.h stddef.h stdint.h inttypes.h limits.h'

matches() { local pattern; for pattern in $2; do [[ $1 == $pattern ]] && return 0; done; return 1; }

# allowed FROM HEADER: may the room FROM include xatop/HEADER.h?
allowed()
{
    local from=$1 to=${room_of[$2]-}
    if [ -z "$to" ]; then
        echo "xatop/$2.h belongs to no room: name its room in tests/checks/layers.sh"
        return 1
    fi
    [ "$from" = "$to" ] || [[ " ${may[$from]} " == *" $to "* ]] || {
        echo "$from may not include xatop/$2.h, which is of $to"
        return 1
    }
}

# findings DIR: one line per broken rule.
findings()
{
    (
        cd "$1" || exit
        fcntl=0
        while IFS=: read -r file what; do
            case $file in
            include/xatop/*) header=$(basename "$file" .h); room=${room_of[$header]-} ;;
            *) room=${file#src/}; room=${room%%/*} ;;
            esac
            [ -n "$room" ] || { echo "$file: belongs to no room: name its room in tests/checks/layers.sh"; continue; }
            [ -n "${may[$room]+x}" ] || { echo "$file: no room $room in the table"; continue; }
            # main.c only hands over
            name=$(sed -E 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"]([^>"]*)[>"].*/\1/' <<<"$what")
            case $what in
            *'"xatop/'*)
                name=${name#xatop/}
                why=$(allowed "$room" "${name%.h}") || echo "$file: $why"
                ;;
            *'"'*)
                [ "$name" = config.h ] || [ -e "$(dirname "$file")/$name" ] ||
                    echo "$file: \"$name\" is no header of its own folder"
                ;;
            *)
                if [ -n "${foreign[$name]+x}" ] && ! matches "$file" "${foreign[$name]}"; then
                    echo "$file: <$name> belongs in ${foreign[$name]} only"
                fi
                if [ "$room" = protocol ] && [[ " $pure " != *" $name "* ]]; then
                    echo "$file: the protocol is pure and may not include <$name>"
                fi
                if [ "$room" = dlog ] && [ "$name" = fcntl.h ]; then
                    fcntl=$((fcntl + 1))
                    [ "$fcntl" -le 1 ] || echo "$file: <fcntl.h> belongs in one file of src/dlog"
                fi
                ;;
            esac
        done < <(grep -HoE '^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"][^>"]+[>"]' \
            $(find src include -name '*.[ch]' 2>/dev/null | sort) /dev/null)
    )
}

sample=$(mktemp -d "${XATOP_TMP:-${TMPDIR:-/tmp}}/layers.XXXXXX")
trap 'rm -rf "$sample"' EXIT

# bad FILE INCLUDE: a tree with this one line in this one file must be found guilty.
bad()
{
    rm -rf "${sample:?}"/*
    mkdir -p "$sample/$(dirname "$1")"
    printf '#include %s\n' "$2" >"$sample/$1"
    [ -n "$(findings "$sample")" ] || { echo "$1 may include $2"; return 1; }
}
good() { ! bad "$@" >/dev/null; }

self_test()
{
    bad src/base/x.c '"xatop/xid.h"' && bad src/protocol/x.c '<stdio.h>' && bad src/protocol/x.c '"xatop/trace.h"' &&
        bad src/ui/pane_x.c '<curses.h>' && bad src/engine/x.c '<mysql.h>' && bad src/fault/gate.c '<event2/event.h>' && bad src/dlog/x.c '<pthread.h>' &&
        bad src/scenario/x.c '"xatop/node.h"' && bad src/elsewhere/x.c '"xatop/text.h"' &&
        bad include/xatop/text.h '"xatop/txn.h"' && bad src/base/x.c '"elsewhere.h"' && bad src/cmd/x.c '"xatop/nobody.h"' &&
        bad src/model/x.c '  "xatop/engine.h"' &&
        good src/ui/screen.c '<curses.h>' && good src/engine/x.c '"xatop/txn.h"' && good src/protocol/x.c '<string.h>'
}

run_test 'layers: the check finds what it forbids' self_test
found=$(findings "$srcdir")
if [ -z "$found" ]; then
    ok 'layers: every include goes the way of the table'
else
    not_ok 'layers: every include goes the way of the table' "$found"
fi
finish
