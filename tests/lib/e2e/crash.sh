# The coordinator ends at every named point; the next one finishes what it left, exactly once, and touches nothing else.
# shellcheck shell=bash

# Somebody else's branches, which must outlive everything here with the same bytes: an xid of control bytes, and one that is
# nearly ours (another coordinator's).
make_foreign()
{
    local node xid id
    for node in n1 n2; do
        id=0
        sql "$node" 'CREATE DATABASE theirs; CREATE TABLE theirs.t (id INT PRIMARY KEY) ENGINE = InnoDB' || return
        for xid in "X'001b5b33316dff27',X'0a00',4242" "'xa1.xatoq.d62f73ce2dec5ce9.00000001.000000000001','b1',1480675393"; do
            id=$((id + 1))
            sql "$node" "XA START $xid; INSERT INTO theirs.t VALUES ($id); XA END $xid; XA PREPARE $xid" || return
        done
    done
    foreign=$(prepared)
    [ "$(grep -c . <<<"$foreign")" = 4 ]
}

foreign_untouched() { must_equal "$foreign" "$(prepared)" 'prepared branches of others'; }

# Was the decision durable when it crashed here?
decided()
{
    case $1 in
    decide.durable | commit.* | forget) return 0 ;;
    *) return 1 ;;
    esac
}

# crash_at POINT COMMAND...: crash, recover, judge. The command moves $amount cents from account $from to $to, or refuses to.
crash_at()
{
    local point=$1 before_from before_to moved=0
    shift
    decided "$point" && moved=$amount
    before_from=$(balance "$from") before_to=$(balance "$to")
    must_exit 99 xatop --fault "crash@$point" "$@" || return
    recovers && foreign_untouched || return
    must_equal "$((before_from - moved)) $((before_to + moved))" "$(balance "$from") $(balance "$to")" "balances of $from and $to"
}

# The same for an order: stock on one node, customer, order and payment on another.
crash_order_at()
{
    local point=$1 before after quantity=0 query='SELECT stock FROM xatop.products WHERE id = 102'
    decided "$point" && quantity=1
    before="$(sql n1 "$query") $(sql n2 'SELECT COUNT(*), 0 FROM xatop.orders' | cut -f1)"
    must_exit 99 xatop --fault "crash@$point" order --product 102 --quantity 1 --customer 2002 || return
    recovers && foreign_untouched || return
    after="$(sql n1 "$query") $(sql n2 'SELECT COUNT(*), 0 FROM xatop.orders' | cut -f1)"
    must_equal "$((${before% *} - quantity)) $((${before#* } + quantity))" "$after" 'stock and orders'
}

# One branch in one phase: the node alone decides, the books hold either way; an answered commit stays.
crash_one_phase()
{
    local before after
    before="$(balance 1005) $(balance 1007)"
    must_exit 99 xatop --fault "crash@$1" transfer --from 1005 --to 1007 --amount 1 || return
    recovers && foreign_untouched || return
    after="$(balance 1005) $(balance 1007)"
    [ "$1" = commit.reply ] || [ "$after" != "$before" ] || return 0
    must_equal "$((${before% *} - 100)) $((${before#* } + 100))" "$after" 'balances of 1005 and 1007'
}

# Recovery killed in the middle, at moments nobody chose: every start is one more epoch, the last one finishes.
killed_in_recovery()
{
    local before pause
    before=$(balance 1005)
    must_exit 99 xatop --fault crash@decide.durable transfer --from 1005 --to 1006 --amount 1 || return
    for pause in 0.02 0.1 0.2 0.3; do
        in_background "$XATOP" recover
        sleep "$pause"
        kill -KILL "$background" 2>/dev/null
        wait "$background"
    done
    background=
    recovers && foreign_untouched && must_equal "$((before - 100))" "$(balance 1005)" 'balance of 1005'
}

# What a crash left is finished by the next transaction as well: nobody needs to know of recover.
next_one_recovers()
{
    local before
    before=$(balance 1001)
    must_exit 99 xatop --fault crash@decide.durable transfer --from 1001 --to 1002 --amount 1 &&
        must_exit 0 xatop transfer --from 1001 --to 1002 --amount 1 &&
        recovers && must_equal "$((before - 200))" "$(balance 1001)" 'balance of 1001'
}

dry_run_touches_nothing()
{
    local before
    must_exit 99 xatop --fault crash@prepare.reply:2 transfer --from 1001 --to 1002 --amount 1 || return
    before=$(prepared)
    must_exit 0 xatop --json recover --dry-run && must_be '["rollback","rollback"]' '[.verdicts[] | select(.done | not) | .verdict | select(. == "rollback")]' &&
        must_equal "$before" "$(prepared)" 'prepared branches' && recovers && foreign_untouched
}

e2e_crash()
{
    local point branch verb verbs='start work end prepare commit' begun=$SECONDS
    [ "$pair" != mysql+mariadb ] || verbs='prepare commit' # the rest was seen on either make
    if make_foreign; then ok "$pair: branches of others are prepared"; else not_ok "$pair: branches of others are prepared"; fi
    from=1001 to=1002 amount=123
    local move=(transfer --from $from --to $to --amount 1.23)
    for point in begin decide.append decide.durable forget; do
        try "crash@$point" crash_at "$point" "${move[@]}"
    done
    for verb in $verbs; do
        for point in $verb.sent $verb.reply; do
            for branch in 1 2; do
                try "crash@$point:$branch" crash_at "$point:$branch" "${move[@]}"
            done
        done
    done
    amount=99999999
    for point in rollback.sent:1 rollback.sent:2 rollback.reply:1 rollback.reply:2; do
        try "crash@$point of an overdraft" crash_at "$point" transfer --from $from --to $to --amount 999999.99
    done
    from=1002 to=1001 amount=123
    for point in work.sent:2 prepare.sent:1 prepare.reply:2 decide.append decide.durable commit.sent:1 commit.reply:2 forget; do
        try "crash@$point in packets" crash_at "$point" --wire packet transfer --from $from --to $to --amount 1.23
    done
    for point in work.reply:1 prepare.sent:2 prepare.reply:1 decide.durable commit.sent:2 commit.reply:1; do
        try "crash@$point of an order" crash_order_at "$point"
    done
    for point in work.reply:1 commit.sent commit.reply; do
        try "crash@$point in one phase" crash_one_phase "$point"
    done
    try "recovery is killed" killed_in_recovery
    try "the next transaction recovers too" next_one_recovers
    try "a dry run touches nothing" dry_run_touches_nothing
    printf '# %s: crash points took %s s\n' "$pair" $((SECONDS - begun))
}
