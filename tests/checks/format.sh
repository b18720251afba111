#!/bin/bash
# Sources are as .clang-format says. Headers are left out: their tables are set by hand.
. "${srcdir:-.}/tests/lib/sh.sh"

# Versions differ in what they make of the same file; this is the one of Debian 12.
wanted=14
formatter=$(command -v clang-format-$wanted || command -v clang-format)
version=$("${formatter:-false}" --version 2>/dev/null | grep -oE 'version [0-9]+' | cut -d' ' -f2)
if [ "$version" != $wanted ]; then
    skip 'format: sources are as .clang-format says' "clang-format $wanted is not here (found: ${version:-none})"
    finish
fi

unformatted() { find "$1" -name '*.c' -print0 | sort -z | xargs -0 -r "$formatter" --style=file --dry-run 2>&1 | grep -E 'warning:' | sed "s@^$srcdir/@@; s@: warning.*@@" ; }

self_test()
{
    local sample
    sample=$(mktemp -d "${XATOP_TMP:-${TMPDIR:-/tmp}}/format.XXXXXX")
    cp "$srcdir/.clang-format" "$sample/"
    printf 'int main( void ){return 0;}\n' >"$sample/bad.c"
    unformatted "$sample" | grep -q bad.c
    local found=$?
    rm -rf "$sample"
    return $found
}
run_test 'format: the check finds what it forbids' self_test
found=$(unformatted "$srcdir/src"; unformatted "$srcdir/tests")
if [ -z "$found" ]; then
    ok 'format: sources are as .clang-format says'
else
    not_ok 'format: sources are as .clang-format says' "$(cut -d: -f1 <<<"$found" | uniq -c)"
fi
finish
