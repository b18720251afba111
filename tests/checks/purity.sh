#!/bin/bash
# libcore.a links without MySQL, curses and threads; the protocol needs nothing but memory and strings.
. "${srcdir:-.}/tests/lib/sh.sh"
if [ ! -e "${builddir:=.}/libcore.a" ]; then
    not_ok 'purity: libcore.a is there' "no $builddir/libcore.a: build first"
    finish
fi
scratch=$(mktemp -d "${XATOP_TMP:-${TMPDIR:-/tmp}}/purity.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

undefined() { nm -u "$@" 2>/dev/null | awk 'NF == 2 && $1 == "U" { print $2 }' | sed 's/@.*//' | sort -u; }

# What no object of libcore may need.
foreign='^(mysql_|mariadb_|pthread_|thrd_|mtx_|cnd_|sem_(init|wait|post)|initscr|newterm|endwin|w?refresh|doupdate|w?addn?str|mvw|w?getch|config_(init|read|lookup)|getopt|socket$|connect$|poll$|select$|epoll_|open$|open64$|openat|fork$|vfork$|exec[lv]|posix_spawn|system$|clone$)'
foreign_of() { undefined "$@" | grep -E "$foreign"; }

# What the protocol may need: memory, strings, what the compiler itself puts in, and xatop's own.
allowed='^(_?_?mem(cpy|set|cmp|move|chr)|__(memcpy|memset|memmove|str[a-z]*)_chk|str(len|nlen|cmp|ncmp|chr|rchr|str)|_GLOBAL_OFFSET_TABLE_|__stack_chk_fail|__asan_.*|__ubsan_.*|__tsan_.*|__gcov_.*|__gcc_.*)$'
own() { nm --defined-only "$builddir/libcore.a" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u; }

impure() { undefined "$@" | grep -vE "$allowed" | grep -vxFf <(own); }

self_test()
{
    printf '#include <pthread.h>\n#include <stdio.h>\nint f(pthread_t t) { return pthread_join(t, 0) + puts("x"); }\n' >"$scratch/bad.c"
    printf '#include <string.h>\nint txn_x(const char *s, char *d) { memcpy(d, s, strlen(s)); return d[0]; }\n' >"$scratch/good.c"
    ${CC:-cc} -O0 -c -o "$scratch/bad.o" "$scratch/bad.c" && ${CC:-cc} -O0 -c -o "$scratch/good.o" "$scratch/good.c" || return
    [ "$(foreign_of "$scratch/bad.o")" = pthread_join ] && [[ $(impure "$scratch/bad.o") == *puts* ]] &&
        [ -z "$(foreign_of "$scratch/good.o")" ] && [ -z "$(impure "$scratch/good.o")" ]
}
run_test 'purity: the check finds what it forbids' self_test

found=$(foreign_of "$builddir/libcore.a")
if [ -z "$found" ]; then ok 'purity: libcore needs no MySQL, curses, threads, sockets, processes'; else
    not_ok 'purity: libcore needs no MySQL, curses, threads, sockets, processes' "$found"
fi

shopt -s nullglob
objects=("$builddir"/src/protocol/libcore_a-*.o)
if [ ${#objects[@]} = 0 ]; then
    not_ok 'purity: the protocol needs memory and strings only' "no objects in $builddir/src/protocol"
else
    found=$(impure "${objects[@]}")
    if [ -z "$found" ]; then ok 'purity: the protocol needs memory and strings only'; else
        not_ok 'purity: the protocol needs memory and strings only' "$found"
    fi
fi
finish
