#!/bin/bash
# The console's screens from the sample journal, compared with the files beside this script.
#   tests/golden/run.sh            (srcdir and builddir say where things are)
#   tests/golden/run.sh --update   rewrites them: read the difference before you commit it
srcdir=${srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
. "$srcdir/tests/lib/sh.sh" || exit 99
here=$srcdir/tests/golden
tools=${builddir:-.}/tests/golden
export TZ=UTC
update=
[ "${1-}" != --update ] || update=yes

# file, size, keys, options
screens='
80x24           80x24
120x40          120x40
200x60          200x60
60x16           60x16
40x10           40x10
20x5            20x5
1x1             1x1
80x24-ascii     80x24  -                ascii
80x24-styles    80x24  -                styles
80x24-open      80x24  <Down><Enter>
80x24-nodes     80x24  1j
80x24-zoom      80x24  2z
80x24-scrolled  80x24  3k
80x24-refused   80x24  <End><Home><Down><Down><Down><Enter>
80x24-help      80x24  ?
80x24-help-end  80x24  ?<PgDn><PgDn><PgDn>
80x24-kill      80x24  1jK
80x24-not       80x24  1jKn
80x24-quit      80x24  q
80x24-frozen    80x24  <Space>
80x24-paste     80x24  <Paste>
80x24-streams   80x24  Tq               streams
80x24-readonly  80x24  tK               read-only
80x24-readhelp  80x24  ?                read-only
120x40-open     120x40 <Down><Enter>
120x40-packet   120x40 <Down><Down><Enter>
200x60-open     200x60 <Down><Enter>
60x16-nodes     60x16  2
40x10-kill      40x10  1jK
20x5-quit       20x5   q
1x1-help        1x1    ?
80x24-freeze    80x24  Z
'

# the same after what faults led to (sample-more.journal)
screens_more='
80x24-armed     80x24
80x24-armedmono 80x24  -                styles
80x24-faults    80x24  f
80x24-fault     80x24  fjj<Right><Right><Down><Right><Right><Down>
80x24-typed     80x24  f:kill@commit.sent:beta
80x24-doubt     80x24  5
80x24-doubtzoom 80x24  5z
80x24-branch    80x24  5j<Enter>
80x24-force     80x24  5<Enter>fcdisk<Space>lost<Enter>xa
80x24-foreign   80x24  5<End><Enter>
80x24-thaw      80x24  1jC
60x16-doubt     60x16  5
60x16-faults    60x16  f
60x16-force     60x16  5<Enter>f
120x40-doubt    120x40 5
120x40-faults   120x40 f
200x60-doubt    200x60 5j
200x60-faults   200x60 f
40x10-armed     40x10
20x5-armed      20x5
20x5-faults     20x5   f
'

# compare NAME: standard input is what came out
compare()
{
    local got
    got=$(cat; echo .)
    if [ "$update" ]; then
        printf '%s' "${got%.}" >"$here/$1"
        ok "$1 rewritten"
    elif [ "$got" = "$(cat "$here/$1"; echo .)" ]; then
        ok "$1"
    else
        not_ok "$1" "$(printf '%s' "${got%.}" | diff -u "$here/$1" - | head -n 60)"
    fi
}

# draw_all JOURNAL <screens
draw_all()
{
    local name size keys options
    while read -r name size keys options; do
        [ "$name" ] || continue
        [ "$keys" != - ] || keys=
        # shellcheck disable=SC2086
        compare "$name.txt" < <("$tools/draw" "$size" "$keys" $options <"$here/$1")
    done
}

compare sample.journal < <("$tools/journal_make")
compare sample-more.journal < <("$tools/journal_make" more)
draw_all sample.journal <<<"$screens"
draw_all sample-more.journal <<<"$screens_more"
for file in "$here"/*.txt; do
    grep -q "^$(basename "$file" .txt) " <<<"$screens$screens_more" || not_ok "$(basename "$file") is drawn by nobody"
done
[ -e "${builddir:-.}/tests/unit/test_screen" ] || skip "the console on a terminal" "built without libvterm (libvterm-dev)"
finish
