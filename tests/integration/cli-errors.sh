#!/bin/bash
# Bad input to the real program: one line on stderr, nothing on stdout, the exit code of the contract, no crash.
. "${srcdir:-.}/tests/lib/sh.sh"

tmp=${XATOP_TMP:?scripts/check sets it}
export HOME=$tmp/home XDG_CONFIG_HOME='' XDG_STATE_HOME='' XATOP_STATE=$tmp/state XATOP_CONFIG=''
mkdir -p "$HOME"
cd "$HOME" || exit 99

# refused CODE WORDS NAME ARGUMENT...: exit code, and exactly one line "xatop: ...WORDS..." on stderr.
refused()
{
    local code=$1 words=$2 name=$3
    shift 3
    expect_exit "$code" "$name" "$XATOP" "$@" || return
    case $expect_err in
    *$'\n'*) not_ok "$name: one line" "$expect_err" ;;
    "xatop: "*"$words"*) ok "$name: says why" ;;
    *) not_ok "$name: says why" "wanted '$words' in '$expect_err'" ;;
    esac
    [ -z "$expect_out" ] || not_ok "$name: nothing on stdout" "$expect_out"
}

conf() { printf '%s\n' "$1" >"$tmp/x.conf"; chmod "${2-600}" "$tmp/x.conf"; }

refused 2 'did you mean --json' 'an unknown option' --jsno
refused 2 'did you mean nodes' 'an unknown command' nodse
refused 2 'did you mean freeze' 'an unknown word of nodes' nodes frezze
refused 2 'no node of that name' 'an unknown node' nodes kill n7
refused 2 'not a whole number' 'a wait that is no number' nodes --wait 1e9
refused 2 'is empty' 'an empty argument' nodes --state=
refused 2 'needs its argument' 'a missing argument' nodes --config
refused 1 '--readonly' 'a change under --readonly' --readonly nodes start

refused 2 'No such file' 'a configuration that is not there' -c "$tmp/none.conf" nodes
refused 2 'not a regular file' 'a folder as configuration' -c "$tmp" nodes
conf 'max_retries = "three";'
refused 2 'x.conf:1: max_retries: wrong type' 'a wrong type' -c "$tmp/x.conf" nodes
conf $'\nmax_retires = 3;'
refused 2 'x.conf:2: max_retires: unknown key; did you mean max_retries' 'an unknown key' -c "$tmp/x.conf" nodes
conf 'max_retries = 3;;'
refused 2 'x.conf:1: syntax error' 'a syntax error' -c "$tmp/x.conf" nodes
conf 'nodes = ( { password_file = "secret"; } );'
printf 'hush-hush\n' >"$tmp/secret" && chmod 644 "$tmp/secret"
refused 2 'chmod 600' 'a password file that others can read' -c "$tmp/x.conf" status
conf 'nodes = ( { password = "hush-hush"; } );' 644
refused 2 'chmod 600' 'a password that others can read' -c "$tmp/x.conf" nodes
case $expect_err in *hush*) not_ok 'no password in an error' ;; *) ok 'no password in an error' ;; esac
printf '\x1b]0;owned\x07 = 1;' >"$tmp/x.conf"
refused 2 'x.conf:1:' 'a configuration of control bytes' -c "$tmp/x.conf" nodes
case $expect_err in *$'\x1b'*) not_ok 'no control byte in an error' ;; *) ok 'no control byte in an error' ;; esac
head -c 3000 /dev/urandom >"$tmp/x.conf"
expect_exit 2 'random bytes as configuration' "$XATOP" -c "$tmp/x.conf" nodes
TRANSACTION_TIMEOUT=soon refused 2 'TRANSACTION_TIMEOUT: wrong value' 'a wrong variable' nodes
DB2_HOST=db2 refused 2 'without a gap' 'a gap between the nodes' nodes
DB1_HOST=db1 refused 1 'not a lab node' 'a foreign server is not killed' nodes kill n1
DB1_HOST=db1 refused 1 'no lab node' 'foreign servers are not killed' nodes kill

: >"$tmp/file"
refused 7 'state directory' 'a file as state directory' --state "$tmp/file" nodes start
refused 7 'state directory' 'a state directory below a file' --state "$tmp/file/state" nodes start
mkdir -p "$tmp/open" && chmod 777 "$tmp/open"
refused 7 'written by others' 'a state directory that others can write' --state "$tmp/open" nodes start
HOME='' XATOP_STATE='' refused 7 'state directory' 'no state directory at all' nodes

expect_exit 0 'help' "$XATOP" --help
for word in $("$XATOP" --help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
    expect_exit 0 "help of $word" "$XATOP" "$word" --help
    case $expect_out in "usage: xatop $word"*) ;; *) not_ok "help of $word: usage" "$expect_out" ;; esac
done
expect_exit 0 'version' "$XATOP" --version
for amount in -1 1e99 0 0.001 '1; DROP TABLE accounts' 99999999999999999999; do
    refused 2 'is not an amount above zero' "amount $amount" transfer --from 1001 --to 1002 --amount "$amount"
done
refused 2 'not a whole number' 'an account that is none' transfer --from '1 OR 1=1' --to 1002 --amount 1
refused 2 '--amount is missing; usage: xatop transfer' 'no amount' transfer --from 1001 --to 1002
refused 2 'cannot pay itself' 'the same account twice' transfer --from 1001 --to 1001 --amount 1
refused 2 'not a whole number' 'no pieces' order --product 101 --quantity 0 --customer 2001
refused 2 'printable ASCII' 'a key with a control byte' transfer --from 1 --to 2 --amount 1 --id $'a\tb'
refused 7 'is not a directory' 'a transfer with a file as state' --state "$tmp/file" transfer --from 1 --to 2 --amount 1
refused 4 'run xatop setup' 'a transfer without a lab' --state "$tmp/fresh" transfer --from 1 --to 2 --amount 1
refused 1 '--readonly' 'a transfer under --readonly' --readonly transfer --from 1 --to 2 --amount 1
refused 2 'is not a gtrid' 'a gtrid that is none' show $'x\e[31m'
refused 2 'no decision log' 'a gtrid without a log' show xa1.xatop.0000000000000001.00000001.000000000001
refused 2 'usage: xatop show GTRID' 'no gtrid' show
refused 2 'above zero' 'a balance below zero' init --balance -1
refused 2 'from 2 to' 'too few accounts' init --accounts 1
refused 2 'one word too many' 'a word too many' audit now
refused 2 'did you mean list' 'a word indoubt has not' indoubt lst
expect_exit 0 'listing needs no state' "$XATOP" --json nodes
[ ! -e "$XATOP_STATE" ] && ok 'listing leaves nothing behind' || not_ok 'listing leaves nothing behind'

completes()
{
    # shellcheck disable=SC1090,SC2034
    . <("$XATOP" --completion bash) || return
    local COMP_WORDS=(xatop nod) COMP_CWORD=1 COMPREPLY=()
    _xatop
    [ "${COMPREPLY[*]}" = nodes ]
}
run_test 'the completion completes' completes

secret_is_gone()
{
    local out
    out=$(DB1_PASSWORD=hush-hush DB1_HOST=h "$XATOP" --dump-config) || return
    case $out in *hush*) return 1 ;; *'host = "h"'*) return 0 ;; *) return 1 ;; esac
}
run_test 'a password is in no output' secret_is_gone

# The prompt turns the echo off and drops what was typed before it: the password is sent only once it is asked for.
typed_in_silence()
{
    printf 'nodes = ( { host = "127.0.0.1"; port = 1; password_prompt = true; } );\n' >"$tmp/prompt.conf"
    : >"$tmp/terminal"
    { await 10 'the prompt' grep -q 'password of xatop at node n1' "$tmp/terminal" && printf 'hush-hush\n'; } |
        script -qefc "'$XATOP' -c '$tmp/prompt.conf' status" "$tmp/terminal" >/dev/null
    [ "${PIPESTATUS[1]}" = 4 ] && grep -q 'cannot connect' "$tmp/terminal" && ! grep -q hush "$tmp/terminal"
}
if command -v script >/dev/null; then
    run_test 'a password is typed in silence' typed_in_silence
else
    skip 'a password is typed in silence' 'the command script is not here'
fi
conf 'nodes = ( { password_prompt = true; } );'
expect_exit 2 'no terminal to ask on' setsid -w "$XATOP" -c "$tmp/x.conf" status

full_disk() { "$XATOP" --help >/dev/full; [ $? = 70 ]; }
[ -e /dev/full ] && run_test 'output that cannot be written is an error' full_disk
reader_gone() { "$XATOP" --help | true; [ "${PIPESTATUS[0]}" = 0 ]; }
run_test 'a reader that has seen enough is no error' reader_gone
touch "$tmp/afile"
expect_exit 7 'a file as state directory, also for who only looks' "$XATOP" --state "$tmp/afile" status
closed_streams() { "$XATOP" --version <&- >&- 2>&-; [ $? -le 70 ]; }
run_test 'closed standard streams are survived' closed_streams

finish
