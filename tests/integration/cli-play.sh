#!/bin/bash
# Scenario files: commands and faults, a line each. The ones that come with xatop do what they say, on real servers.
. "${srcdir:-.}/tests/lib/sh.sh"
. "${srcdir:-.}/tests/lib/cli.sh"

# file WORDS...: one line a word
file() { printf '%s\n' "$@" >"$tmp/x.play"; }

# refused NAME WORDS LINE...: exit 2 before anything runs, one line that names file and line
refused()
{
    local name=$1 words=$2
    shift 2
    file "$@"
    expect_exit 2 "play: $name" "$XATOP" play "$tmp/x.play" || return
    case $expect_out$expect_err in
    "xatop: $tmp/x.play:"*"$words"*) ok "play: $name: said" ;;
    *) not_ok "play: $name: said" "$expect_out$expect_err" ;;
    esac
}

refused 'an unknown command' 'no command of xatop' 'say hello' 'trnasfer --from 1'
refused 'a play in a play' 'no command of xatop' 'play other.play'
refused 'a state of its own' 'belongs to xatop play' '--state /tmp/other status'
refused 'an open quote' 'quote' 'indoubt "list'
refused 'an expectation of nothing' 'expect EXIT-CODE' 'expect 3'
refused 'a line too long' 'too long' "say $(printf '%02000d' 1)"
expect_exit 2 'play: no such file' "$XATOP" play "$tmp/none.play"
expect_exit 2 'play: a directory' "$XATOP" play "$tmp"

if lab mariadb mysql; then
    expect_exit 0 'play: setup' "$XATOP" setup
    for play in in-doubt refusals; do
        expect_exit 0 "play: $play.play does what it says" "$XATOP" play "$srcdir/conf/plays/$play.play"
    done
    file 'status' 'expect 3 audit' 'nodes kill n1'
    expect_exit 5 'play: an end that was not expected' "$XATOP" --json play "$tmp/x.play"
    case $expect_err in *"x.play:2: ended with exit code 0, expected 3"*) ok 'play: which line' ;; *) not_ok 'play: which line' "$expect_err" ;; esac
    expect_out=$(jq -c 'select(.line) | [.line, .exit, .expected]' <<<"$expect_out" | tr '\n' ' ')
    if [ "$expect_out" = '[1,0,0] [2,0,3] ' ]; then ok 'play: it ends there, in JSON Lines'; else not_ok 'play: it ends there, in JSON Lines' "$expect_out"; fi
    expect_exit 5 'play: --readonly reaches its commands' "$XATOP" --readonly play "$srcdir/conf/plays/refusals.play"
else
    skip 'play on real servers' 'no MySQL or no MariaDB server here'
fi
finish
