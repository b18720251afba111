#!/bin/bash
# The node contract and the facts it rests on, on a real server of each make.
. "${srcdir:-.}/tests/lib/sh.sh"

# run PROGRAM MAKE SERVER: its result lines count as ours.
run()
{
    local program=$1 make=$2 server=$3 code=0
    if [ -z "$server" ]; then
        skip "$program, $make" "no server of that make on this machine"
        return
    fi
    mkdir -p "$XATOP_TMP/$make"
    XATOP_TEST_MAKE=$make XATOP_TMP=$XATOP_TMP/$make timeout 400 "${builddir:-.}/tests/integration/$program" || code=$?
    # 1: it has said "not ok" itself
    [ "$code" -le 1 ] || not_ok "$program, $make" "ended with $code"
    [ "$code" != 1 ] || test_failures=$((test_failures + 1))
    test_results=$((test_results + 1))
}

for program in node_facts node_contract node_trouble; do
    run "$program" mariadb "${XATOP_MARIADBD-}"
    run "$program" mysql "${XATOP_MYSQLD-}"
done
finish
