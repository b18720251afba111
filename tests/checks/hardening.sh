#!/bin/bash
# The built program is hardened, and its assertions are in it.
. "${srcdir:-.}/tests/lib/sh.sh"
program=${XATOP:-${builddir:-.}/xatop}
scratch=$(mktemp -d "${XATOP_TMP:-${TMPDIR:-/tmp}}/hardening.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

# weaknesses FILE: one line per protection that is missing.
weaknesses()
{
    local head dynamic segments symbols
    head=$(LC_ALL=C readelf -hW "$1") || { echo "no program at $1"; return; }
    dynamic=$(LC_ALL=C readelf -dW "$1")
    segments=$(LC_ALL=C readelf -lW "$1")
    symbols=$(nm -D --undefined-only "$1" 2>/dev/null)
    grep -q 'Type:.*DYN' <<<"$head" && grep -q INTERP <<<"$segments" || echo 'not position independent'
    grep -q GNU_RELRO <<<"$segments" || echo 'no RELRO'
    grep -Eq 'BIND_NOW|FLAGS_1.*NOW' <<<"$dynamic" || echo 'symbols are not bound at start (BIND_NOW)'
    grep -q 'GNU_STACK.*RW ' <<<"$segments" || echo 'the stack is executable'
    ! grep -Eq 'LOAD.*RWE' <<<"$segments" || echo 'a segment is writable and executable'
    ! grep -Eq '(RPATH|RUNPATH)' <<<"$dynamic" || echo 'a run path is built in'
    grep -q '__stack_chk_fail' <<<"$symbols" || echo 'no stack protector'
    grep -Eq '__[a-z]+_chk' <<<"$(grep -v __stack_chk_fail <<<"$symbols")" || echo 'nothing is fortified'
}

self_test()
{
    local found
    printf '#include <stdio.h>\n#include <string.h>\nint main(int c, char **v) { char b[64]; strncpy(b, v[0], c * 9); return printf("%%s", b); }\n' >"$scratch/x.c"
    ${CC:-cc} -O0 -U_FORTIFY_SOURCE -fno-stack-protector -no-pie -fno-pie -Wl,-z,norelro -Wl,-z,lazy -Wl,-z,execstack \
        -o "$scratch/weak" "$scratch/x.c" 2>"$scratch/err" || { cat "$scratch/err"; return 1; }
    found=$(weaknesses "$scratch/weak")
    echo "$found"
    [ "$(grep -c . <<<"$found")" -ge 6 ] || return 1
    ${CC:-cc} -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE -pie -Wl,-z,relro -Wl,-z,now \
        -Wl,-z,noexecstack -o "$scratch/strong" "$scratch/x.c" 2>"$scratch/err" || { cat "$scratch/err"; return 1; }
    found=$(weaknesses "$scratch/strong")
    echo "$found"
    [ -z "$found" ]
}
run_test 'hardening: the check finds what is missing' self_test

found=$(weaknesses "$program")
if [ -z "$found" ]; then
    ok 'hardening: PIE, RELRO, BIND_NOW, no executable stack, stack protector, fortify'
else
    not_ok 'hardening: PIE, RELRO, BIND_NOW, no executable stack, stack protector, fortify' "$found"
fi

# A release build is what ./configure gives without switches; its assertions are calls that are still there.
callers=$(nm -A -u "${builddir:-.}/libcore.a" 2>/dev/null | grep -c 'xatop_assert_failed')
if nm "$program" 2>/dev/null | grep -q ' T xatop_assert_failed' && [ "$callers" -ge 5 ]; then
    ok 'hardening: assertions are in the release build'
else
    not_ok 'hardening: assertions are in the release build' "$callers objects of libcore assert"
fi
finish
