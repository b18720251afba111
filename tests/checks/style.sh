#!/bin/bash
# What a machine can say about style: order of includes, banned calls, sizes, leftovers.
. "${srcdir:-.}/tests/lib/sh.sh"

# Contracts a bit over 150 lines, each the one place for its matter.
long_headers='include/xatop/txn.h include/xatop/vocab.h include/xatop/node.h include/xatop/dlog.h include/xatop/model.h src/lab/lab_internal.h'
long_header_max=200

config_first()
{
    local file
    for file in $(find src tests -name '*.c'); do
        [ "$(grep -m 1 '^[[:space:]]*#[[:space:]]*include' "$file")" = '#include "config.h"' ] ||
            echo "$file: config.h is not included first"
    done
}

# Strings and line comments are blanked first: words about a call are no call.
banned_calls()
{
    local file
    for file in $(find src include -name '*.[ch]'); do
        sed -E 's/"([^"\\]|\\.)*"//g; s@//.*@@; s@/\*.*\*/@@; s@^ \*.*@@' "$file" |
            grep -nE '(^|[^A-Za-z0-9_>.])(strcpy|stpcpy|strcat|strncat|sprintf|vsprintf|gets|strtok|alloca|system|popen|tmpnam|mktemp|atoi|atol|atof)[[:space:]]*\(' |
            sed "s@^@$file:@"
    done
}

file_sizes()
{
    local file lines
    for file in $(find src tests -name '*.c'); do
        lines=$(wc -l <"$file")
        [ "$lines" -le 600 ] || echo "$file: $lines lines, at most 600"
    done
    for file in $(find src include tests -name '*.h'); do
        lines=$(wc -l <"$file")
        [ "$lines" -le 150 ] && continue
        [[ " $long_headers " == *" $file "* ]] && [ "$lines" -le $long_header_max ] && continue
        echo "$file: $lines lines, at most 150"
    done
}

median_size()
{
    find src -name '*.c' -exec wc -l {} \; | sort -n |
        awk '{ n[NR] = $1 } END { m = n[int((NR + 1) / 2)]; if (m > 250) print "the median source file has " m " lines, at most 250" }'
}

# With Linux braces a function begins with "{" and ends with "}" in the first column. A test may carry its table.
function_sizes()
{
    local file
    for file in $(find src tests -name '*.c'); do
        awk -v file="$file" -v limit=$([[ $file == tests/* ]] && echo 100 || echo 70) '
            /^\{/ { start = NR; name = previous }
            /^\}/ { if (start && NR - start - 1 > limit) print file ":" start ": " NR - start - 1 " lines, at most " limit ": " name; start = 0 }
            { previous = $0 }' "$file"
    done
}

leftovers()
{
    local files
    files=$(find src include tests sql conf man docker scripts .ci Makefile.am configure.ac -type f \
        ! -name '*.dlog' 2>/dev/null; find . -maxdepth 1 -name '*.md')
    # shellcheck disable=SC2086
    {
        grep -nHE '\<(TO''DO|FIX''ME|XX''X)\>' $files | grep -v 'XXX\{3,\}\|\.XXX'
        grep -nHE '[[:blank:]]+$' $files | grep -v '^\./[^:]*\.md:'
        grep -nHE '(^|[^A-Za-z0-9_])/(tmp/(xw|wt|b|run)[-/]|work/)|shared/(design|research)' $files
    }
    # shellcheck disable=SC2086
    grep -nHE $'\t' $(find src include tests -name '*.[ch]') /dev/null
    for file in $files; do
        [ ! -s "$file" ] || [ "$(tail -c 1 "$file" | od -An -tx1)" = ' 0a' ] || echo "$file: no newline at the end"
    done
}

in_tree() { (cd "$1" && "$2" 2>&1); }

sample=$(mktemp -d "${XATOP_TMP:-${TMPDIR:-/tmp}}/style.XXXXXX")
trap 'rm -rf "$sample"' EXIT
self_test()
{
    local rule
    mkdir -p "$sample/src" "$sample/tests" "$sample/include" "$sample/scripts" "$sample/.ci"
    touch "$sample/Makefile.am" "$sample/configure.ac"
    # A clean file, with every word that only looks bad: nothing may be found.
    printf '#include "config.h"\n\nint f(void)\n{\n    return snprintf(0, 0, "system(x)") + a.system(1) + strtok_mine(2);\n}\n' >"$sample/src/good.c"
    for rule in config_first banned_calls file_sizes median_size function_sizes leftovers; do
        [ -z "$(in_tree "$sample" $rule)" ] || { echo "$rule dislikes a clean file: $(in_tree "$sample" $rule)"; return 1; }
    done
    {
        printf '#include <stdio.h>\n#include "config.h"\nint g(void)\n{\n    return sys''tem("x"); \n'
        seq -f '    // TO''DO /wo''rk/%g' 700
        printf '}'
    } >"$sample/src/bad.c"
    cp "$sample/src/bad.c" "$sample/include/bad.h"
    rm "$sample/src/good.c"
    for rule in config_first banned_calls file_sizes median_size function_sizes leftovers; do
        [ -n "$(in_tree "$sample" $rule)" ] || { echo "$rule finds nothing in a bad file"; return 1; }
    done
    [ "$(in_tree "$sample" leftovers | grep -c '/wo''rk/')" -ge 700 ] && in_tree "$sample" leftovers | grep -q 'no newline'
}

# verdict NAME RULE
verdict()
{
    local found
    found=$(in_tree "$srcdir" "$2")
    if [ -z "$found" ]; then ok "$1"; else not_ok "$1" "$(head -n 40 <<<"$found")"; fi
}

run_test 'style: the check finds what it forbids' self_test
verdict 'style: config.h comes first' config_first
verdict 'style: no call without bounds, no shell' banned_calls
verdict 'style: files are short' file_sizes
verdict 'style: the usual file is shorter' median_size
verdict 'style: functions are short' function_sizes
verdict 'style: nothing left over' leftovers
finish
