# The two real servers under the end-to-end tests (tests/integration/e2e-*.sh): one lab per pair of makes, set up once and
# used by every part. A part is a file beside this one with one function e2e_PART; the scripts say which parts run on which pair.
# shellcheck shell=bash
. "${srcdir:-.}/tests/lib/sh.sh"
. "${srcdir:-.}/tests/lib/cli.sh"

background=
trap '[ -z "$background" ] || kill -KILL $background 2>/dev/null; stop_labs' EXIT

xatop() { "$XATOP" "$@"; }

# The lab's two ports, for those who come as if the servers were not ours.
ports()
{
    must_exit 0 xatop --json nodes list || return
    port1=$(jq -r '.nodes[0].port' <<<"$out") port2=$(jq -r '.nodes[1].port' <<<"$out")
}

# outsider STATE COMMAND...: xatop with another state directory on the same two servers, as two servers among others.
outsider()
{
    local state=$1
    shift
    env DB1_HOST=127.0.0.1 DB1_PORT="$port1" DB1_PASSWORD="$(cat "$XATOP_STATE/nodes/n1/app.password")" \
        DB2_HOST=127.0.0.1 DB2_PORT="$port2" DB2_PASSWORD="$(cat "$XATOP_STATE/nodes/n2/app.password")" \
        XATOP_CONFIG= "$XATOP" --state "$state" "$@"
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
    pair=${makes[0]}+${makes[1]}
    if ! lab "${makes[@]}"; then
        skip "$pair: end to end" 'a server is missing here'
        finish
    fi
    command -v jq >/dev/null && [ -n "$client" ] || { not_ok "$pair: jq and a client are here"; finish; }
    e2e_setup || finish
    for part in "$@"; do
        case " ${XATOP_E2E-$*} " in *" $part "*) "e2e_$part" ;; esac
    done
    expect_exit 0 "$pair: stop" "$XATOP" nodes stop
    finish
}

# --- asking --------------------------------------------------------------------------------------------------------------

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

# json FILTER: of the answer of the last expect_exit, with all that jq can say.
json() { jq -rc "$1" <<<"$expect_out"; }

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
