#!/bin/bash
# `xatop log`: what it says of no log, of a log, of a damaged one, and of one file.
. "${srcdir:-.}/tests/lib/sh.sh"

tmp=${XATOP_TMP:?scripts/check sets it}
export HOME=$tmp XATOP_STATE=$tmp/state XATOP_CONFIG='' XDG_CONFIG_HOME=''
log=$tmp/state/dlog
mkdir -p "$log" && chmod 700 "$tmp/state" "$log"

has() { case $expect_out in *"$2"*) ok "$1" ;; *) not_ok "$1" "wanted '$2' in '$expect_out'" ;; esac }

# The sample: a segment record, an opening, three decisions of which one is discharged, synced one by one.
sample=${srcdir:-.}/tests/golden/sample.dlog
rmdir "$log"
expect_exit 0 'no log yet' "$XATOP" log
has 'no log yet is said' 'nothing was ever decided here'
expect_exit 0 'no log yet, as JSON' "$XATOP" log --json
run_test 'no log yet is no line' [ -z "$expect_out" ]

mkdir -m 700 "$log" && cp "$sample" "$log/00000001.dlog"
expect_exit 0 'a log' "$XATOP" log
has 'the decision in words' 'decided to commit b1 on n1, b2 on n2 (500.00 from 1001 to 1002)'
has 'the count' '6 records, 2 decisions not yet carried out everywhere, epoch 1'
expect_exit 0 'a log as JSON Lines' "$XATOP" log --json
has 'the type is there' '{"type":"commit","lsn":3,'
run_test 'a line a record' [ "$(printf '%s\n' "$expect_out" | wc -l)" = 6 ]
expect_exit 0 'one file' "$XATOP" log --file "$sample"
expect_exit 2 'a file that is not there' "$XATOP" log --file "$tmp/none"
expect_exit 7 'a file that is no segment' "$XATOP" log --file "${srcdir:-.}/LICENSE"

printf '\377' | dd of="$log/00000001.dlog" bs=1 seek=300 conv=notrunc 2>/dev/null
expect_exit 7 'a damaged log' "$XATOP" log
has 'what is readable is printed' 'opened by coordinator'
case $expect_err in
*'00000001.dlog is damaged at byte '*) ok 'where it is damaged' ;;
*) not_ok 'where it is damaged' "$expect_err" ;;
esac

head -c 420 "$sample" >"$log/00000001.dlog"
expect_exit 0 'a log with half a record at its end' "$XATOP" log
has 'the half record is mentioned' 'the last record is incomplete'
finish
