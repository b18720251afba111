# The two real servers under the end-to-end tests (tests/integration/e2e-*.sh): one lab per pair of makes, set up once and
# used by every part. A part is a file beside this one with one function e2e_PART; the scripts say which parts run on which pair.
# shellcheck shell=bash
. "${srcdir:-.}/tests/lib/sh.sh"

tmp=${XATOP_TMP:?scripts/check sets it}
export HOME=$tmp/home XDG_CONFIG_HOME='' XDG_STATE_HOME='' XATOP_CONFIG=''
mkdir -p "$HOME"
cd "$HOME" || exit 99
client=$(command -v mariadb || command -v mysql)
background=

# A part ends badly, the servers do not stay.
e2e_end()
{
    [ -z "$background" ] || kill -KILL $background 2>/dev/null
    [ -z "${XATOP_STATE-}" ] || "$XATOP" -c "$XATOP_CONFIG" -q nodes kill >/dev/null 2>&1
}
trap e2e_end EXIT

server_of() { if [ "$1" = mysql ]; then echo "${XATOP_MYSQLD-}"; else echo "${XATOP_MARIADBD-}"; fi; }

# e2e_pair MAKE MAKE: sets $pair, and the state and configuration that every xatop from here on has. 1: a make is not here.
e2e_pair()
{
    local make
    pair=$1+$2
    for make in "$1" "$2"; do
        [ -n "$(server_of "$make")" ] || { skip "$pair: end to end" "no $make server here"; return 1; }
    done
    command -v jq >/dev/null && [ -n "$client" ] || { skip "$pair: end to end" 'no jq, or no mariadb client, here'; return 1; }
    export XATOP_STATE=$tmp/$pair XATOP_CONFIG=$tmp/$pair.conf
    printf 'nodes = ( { name = "n1"; lab = true; make = "%s"; }, { name = "n2"; lab = true; make = "%s"; } );\n' \
        "$1" "$2" >"$XATOP_CONFIG"
}

xatop() { "$XATOP" "$@"; }

# The lab's two ports, for those who come as if the servers were not ours.
ports()
{
    must_exit 0 xatop --json nodes list || return
    port1=$(jq -r '.nodes[0].port' <<<"$out") port2=$(jq -r '.nodes[1].port' <<<"$out")
}

# e2e_main MAKE MAKE PART...: XATOP_E2E="crash faults" takes only those parts.
e2e_main()
{
    local part makes=("$1" "$2")
    shift 2
    for part in "$@"; do
        # shellcheck disable=SC1090
        . "$srcdir/tests/lib/e2e/$part.sh" || exit 99
    done
    e2e_pair "${makes[@]}" || finish
    e2e_setup || finish
    for part in "$@"; do
        case " ${XATOP_E2E-$*} " in *" $part "*) "e2e_$part" ;; esac
    done
    expect_exit 0 "$pair: stop" "$XATOP" nodes stop
    finish
}

# --- asking --------------------------------------------------------------------------------------------------------------

# Straight to a node as its administrator, past xatop.
sql() { "$client" --defaults-file="$XATOP_STATE/nodes/$1/admin.cnf" --batch --skip-column-names -e "$2"; }

# Every prepared branch of both nodes, whosever, as the servers print their bytes.
prepared() { sql n1 'XA RECOVER' | sed 's/^/n1 /' && sql n2 'XA RECOVER' | sed 's/^/n2 /'; }

# Those with our magic.
ours() { prepared | grep -c 'xa1\.xatop\.'; }

# In cents; the placement of the sample data: odd accounts on n1.
balance() { sql "$([ $(($1 % 2)) = 1 ] && echo n1 || echo n2)" "SELECT balance FROM xatop.accounts WHERE id = $1"; }

# Everything a transaction can change, as one line.
books()
{
    sql n1 'SELECT SUM(balance) FROM xatop.accounts; SELECT SUM(stock) FROM xatop.products' | tr '\n' ' ' &&
        sql n2 'SELECT SUM(balance) FROM xatop.accounts; SELECT SUM(balance) FROM xatop.customers;
                SELECT COUNT(*) FROM xatop.orders; SELECT SUM(amount) FROM xatop.payments' | tr '\n' ' '
}

# json PATH: out of the answer of the last expect_exit.
json() { jq -rc "$1" <<<"$expect_out"; }

# is NAME WANT PATH
is()
{
    local got
    got=$(json "$3")
    if [ "$got" = "$2" ]; then ok "$1"; else not_ok "$1" "$3 is '$got', expected '$2', in $expect_out"; fi
}

# says NAME WORDS: the error of the last expect_exit is one line "xatop: ...WORDS...".
says()
{
    case $expect_err in
    *$'\n'*) not_ok "$1" "more than one line: $expect_err" ;;
    "xatop: "*"$2"*) ok "$1" ;;
    *) not_ok "$1" "wanted '$2' in '$expect_err'" ;;
    esac
}

# --- one case -------------------------------------------------------------------------------------------------------------

# try NAME FUNCTION...: run_test, named after the pair. A case that fails may leave nodes down and branches behind: the next one
# begins on a mended lab, so that one defect is one failure.
try()
{
    local name=$1 failures=$test_failures
    shift
    run_test "$pair: $name" "$@"
    [ "$test_failures" = "$failures" ] && return
    "$XATOP" -q nodes thaw >/dev/null 2>&1
    "$XATOP" -q nodes start >/dev/null 2>&1
    "$XATOP" -q recover >/dev/null 2>&1
}

# --- inside a function that try runs: the first thing that is not so is printed and ends it -----------------------------

# must_exit CODE COMMAND...: answer in $out, its errors in $err.
must_exit()
{
    local want=$1 got=0
    shift
    out=$("$@" 2>"$tmp/err" </dev/null) || got=$?
    err=$(cat "$tmp/err")
    [ "$got" = "$want" ] && return
    printf 'exit %s, expected %s: %s\n%s\n%s\n' "$got" "$want" "$*" "$out" "$err"
    return 1
}

# must_be WANT PATH: of $out.
must_be()
{
    local got
    got=$(jq -rc "$2" <<<"$out")
    [ "$got" = "$1" ] && return
    printf "%s is '%s', expected '%s', in %s\n" "$2" "$got" "$1" "$out"
    return 1
}

must_equal()
{
    [ "$2" = "$1" ] && return
    printf "%s: '%s', expected '%s'\n" "$3" "$2" "$1"
    return 1
}

audit_holds() { must_exit 0 xatop --json audit && must_be '[true,[],0]' '[.ok,.torn,.pending]'; }

# Nothing of ours is prepared, nothing is owed, the books balance.
all_settled()
{
    must_equal 0 "$(ours)" 'branches of ours still prepared' && audit_holds &&
        must_exit 0 xatop --json status && must_be '[0,0]' '[.in_doubt,.log.undischarged]'
}

# One recovery pass that leaves nothing over.
recovers()
{
    must_exit 0 xatop --json recover && must_be '[0,0,0,[]]' '[.left,.ambiguous,.unfinished,.unreachable]' && all_settled
}

# in_background COMMAND...: its answer goes to $tmp/bg.out, its errors to $tmp/bg.err; its pid is $background.
in_background()
{
    "$@" >"$tmp/bg.out" 2>"$tmp/bg.err" </dev/null &
    background=$!
}

# background_exit: waits for it; prints its exit code.
background_exit()
{
    bg_code=0
    wait "$background" || bg_code=$?
    background=
}
