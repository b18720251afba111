#!/bin/bash
# One kind = one file + one row: a kind's file without a row, a row without its file, a file the build does not know
# and a tracked file that the distribution leaves out are all found.
. "${srcdir:-.}/tests/lib/sh.sh"
scratch=$(mktemp -d "${XATOP_TMP:-${TMPDIR:-/tmp}}/lists.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

# prefix of the files | list header | macro | files of the room with that prefix which are no kind
kinds=(
    'src/scenario/scenario_|scenario_list.h|XATOP_SCENARIO_LIST|'
    'src/fault/fault_|fault_list.h|XATOP_FAULT_LIST|'
    'src/ui/pane_|pane_list.h|XATOP_PANE_LIST|'
    'src/cmd/cmd_|cmd_list.h|XATOP_CMD_LIST|cmd_table'
)

# rows HEADER MACRO: the first word of every row, as the compiler sees it.
rows()
{
    printf '#include "%s"\n#define X(name, ...) row:name\n%s(X)\n' "$1" "$2" |
        ${CC:-cc} -E -P -I"$srcdir/include" -x c - 2>/dev/null | grep -oE 'row:[A-Za-z0-9_]+' |
        sed 's/row://' | tr 'A-Z' 'a-z' | sort -u
}

# kind_findings DIR: files and rows that do not find each other.
kind_findings()
{
    local prefix header macro helpers file name known
    for kind in "${kinds[@]}"; do
        IFS='|' read -r prefix header macro helpers <<<"$kind"
        header=$1/include/xatop/$header
        known=
        [ ! -e "$header" ] || known=" $(rows "$header" "$macro" | tr '\n' ' ')"
        for file in "$1/$prefix"*.c; do
            [ -e "$file" ] || continue
            name=$(basename "$file" .c)
            [[ " $helpers " == *" $name "* ]] && continue
            name=${name#"$(basename "$prefix")"}
            [[ $known == *" $name "* ]] || echo "$prefix$name.c has no row in $(basename "$header")"
        done
        for name in $known; do
            [ -e "$1/$prefix$name.c" ] || echo "row $name of $(basename "$header") has no file $prefix$name.c"
        done
    done
}

# build_findings DIR: sources and headers that Makefile.am does not name, and the other way round.
build_findings()
{
    (
        cd "$1" || exit
        words=" $(tr -s '\\\t =' '\n' <Makefile.am | sort -u | tr '\n' ' ')"
        for file in $(find src include tests -name '*.[ch]' 2>/dev/null | sort); do
            [[ $words == *" $file "* ]] || echo "$file is not in Makefile.am"
        done
        for file in $(grep -oE '(src|include|tests)/[A-Za-z0-9_/]+\.[ch]\b' Makefile.am | sort -u); do
            # what the build itself makes is named as nodist
            [ -e "$file" ] || grep -q "nodist_.*$file" Makefile.am || echo "Makefile.am names $file, which is not there"
        done
    )
}

dist_findings()
{
    local file
    make -s -C "$builddir" distdir distdir="$scratch/dist" >"$scratch/dist.log" 2>&1 || {
        echo "make distdir failed: $(tail -n 3 "$scratch/dist.log")"
        return
    }
    git -c safe.directory="$srcdir" -C "$srcdir" ls-files | while read -r file; do
        case $file in .gitignore | .gitattributes) continue ;; esac
        [ -e "$scratch/dist/$file" ] || echo "$file is not distributed: add it to EXTRA_DIST"
    done
}

self_test()
{
    local tree=$scratch/tree
    mkdir -p "$tree/include/xatop" "$tree/src/fault" "$tree/src/base"
    echo '#define XATOP_FAULT_LIST(X) X(crash) X(lost, "b")' >"$tree/include/xatop/fault_list.h"
    touch "$tree/src/fault/fault_crash.c" "$tree/src/fault/fault_stray.c" "$tree/src/base/stray.c"
    printf 'x_sources = \\\n\tsrc/fault/fault_crash.c src/fault/fault_stray.c\\\n\tsrc/base/gone.c\n' >"$tree/Makefile.am"
    local found
    found=$(kind_findings "$tree"; build_findings "$tree")
    echo "$found"
    [[ $found == *'fault_stray.c has no row'* && $found == *'row lost of fault_list.h has no file'* &&
        $found == *'src/base/stray.c is not in Makefile.am'* && $found == *'src/base/gone.c, which is not there'* &&
        $found == *'include/xatop/fault_list.h is not in'* && $found != *fault_crash* ]]
}

# verdict NAME FINDINGS
verdict() { if [ -z "$2" ]; then ok "$1"; else not_ok "$1" "$2"; fi; }

run_test 'lists: the check finds what it forbids' self_test
verdict 'lists: every kind has its file and its row' "$(kind_findings "$srcdir")"
verdict 'lists: the build knows every source and header' "$(build_findings "$srcdir")"
if [ -z "${builddir-}" ] || [ ! -e "$builddir/Makefile" ]; then
    skip 'lists: the distribution holds every tracked file' 'no configured build directory given'
elif ! git -c safe.directory="$srcdir" -C "$srcdir" rev-parse --git-dir >/dev/null 2>&1; then
    skip 'lists: the distribution holds every tracked file' 'this is no git clone'
else
    verdict 'lists: the distribution holds every tracked file' "$(dist_findings)"
fi
finish
