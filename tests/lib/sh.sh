# Helpers for the tests written in shell: tests/checks/*.sh and tests/integration/*.sh source this.
#
#   . "${srcdir:-.}/tests/lib/sh.sh"
#   run_test "a transfer moves money" check_transfer        ok or not ok by the exit code of the function
#   expect_exit 1 "an overdraft is refused" xatop transfer ...
#   await 10 "node db1 is up" node_is_up db1                wait for a condition, never for a time
#   skip "MySQL too" "no MySQL server here"
#   finish
#
# Every line on stdout that begins with "ok ", "not ok " or "skip " is one result; the rest is commentary.
# scripts/check counts the lines; a script that prints none, or ends badly without a "not ok", counts as failed.
# The environment it gives to tests/integration/*.sh:
#   XATOP            the built program
#   XATOP_MYSQLD     how to start a real MySQL server (a binary or a wrapper), empty if there is none
#   XATOP_MARIADBD   the same for MariaDB
#   XATOP_TMP        an empty directory for this script alone, removed afterwards
#   srcdir           the top of the source tree
# shellcheck shell=bash

test_failures=0
test_results=0

ok()
{
    test_results=$((test_results + 1))
    printf 'ok %s\n' "$*"
}

# not_ok NAME [WHY]: WHY becomes a comment, one line per line.
not_ok()
{
    test_results=$((test_results + 1))
    test_failures=$((test_failures + 1))
    printf 'not ok %s\n' "$1"
    [ -z "${2-}" ] || printf '%s\n' "$2" | sed 's/^/#   /'
}

skip()
{
    test_results=$((test_results + 1))
    printf 'skip %s: %s\n' "$1" "$2"
}

# run_test NAME COMMAND...: its output is shown only when it fails.
run_test()
{
    local name=$1 output
    shift
    if output=$("$@" 2>&1); then ok "$name"; else not_ok "$name" "exit $?: $output"; fi
}

# expect_exit CODE NAME COMMAND...: stdout goes to $expect_out, stderr to $expect_err (strings).
expect_exit()
{
    local want=$1 name=$2 got=0 files
    shift 2
    files=$(mktemp -d "${XATOP_TMP:-${TMPDIR:-/tmp}}/expect.XXXXXX")
    "$@" >"$files/out" 2>"$files/err" </dev/null || got=$?
    expect_out=$(cat "$files/out")
    expect_err=$(cat "$files/err")
    rm -rf "$files"
    if [ "$got" = "$want" ]; then
        ok "$name"
    else
        not_ok "$name" "$(printf 'exit %s, expected %s: %s\n%s\n%s' "$got" "$want" "$*" "$expect_out" "$expect_err")"
        return 1
    fi
}

# await SECONDS WHAT COMMAND...: polls the command until it succeeds; 1 (and a comment) when time is up.
await()
{
    local limit=$1 what=$2 deadline
    shift 2
    deadline=$(($(date +%s%N) + limit * 1000000000))
    until "$@" >/dev/null 2>&1; do
        if [ "$(date +%s%N)" -ge "$deadline" ]; then
            printf '#   gave up after %s s: %s\n' "$limit" "$what"
            return 1
        fi
        sleep 0.05
    done
}

# Ends the script: 0 only if something was tested and nothing failed.
finish()
{
    [ "$test_results" -gt 0 ] || exit 99
    [ "$test_failures" = 0 ]
    exit
}
