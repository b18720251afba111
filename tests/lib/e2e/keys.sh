# --id KEY: asked again, the first answer; money never moves twice, whatever happened to the first attempt.
# shellcheck shell=bash

repeat_answers()
{
    local before gtrid
    before=$(balance 1031)
    must_exit 0 xatop --json transfer --from 1031 --to 1032 --amount 1 --id 'rent/2026-11' && must_be committed .outcome || return
    gtrid=$(jq -r .gtrid <<<"$out")
    must_exit 0 xatop --json transfer --from 1031 --to 1032 --amount 1 --id 'rent/2026-11' || return
    must_be "[\"committed\",true,\"$gtrid\"]" '[.outcome,.repeated,.gtrid]' || return
    must_exit 0 xatop --json --wire packet transfer --from 1031 --to 1032 --amount 1.00 --id 'rent/2026-11' || return
    must_be "$gtrid" .gtrid && must_equal "$((before - 100))" "$(balance 1031)" 'balance of 1031'
}

order_repeat_answers()
{
    local before gtrid
    must_exit 0 xatop --json order --product 103 --quantity 1 --customer 2003 --id order-1 || return
    gtrid=$(jq -r .gtrid <<<"$out")
    before=$(books)
    must_exit 0 xatop --json order --product 103 --quantity 1 --customer 2003 --id order-1 || return
    must_be "$gtrid" .gtrid && must_equal "$before" "$(books)" books
}

# Other parameters, the other node, the other scenario: all of it is another request.
other_request()
{
    local before words
    before=$(books)
    for words in 'transfer --from 1031 --to 1032 --amount 1.01' 'transfer --from 1031 --to 1034 --amount 1' \
        'transfer --from 1032 --to 1031 --amount 1' 'order --product 101 --quantity 1 --customer 2001'; do
        # shellcheck disable=SC2086
        must_exit 2 xatop $words --id 'rent/2026-11' || return
        case $err in *$'\n'*) echo "more than one line: $err"; return 1 ;; *'other parameters'*) ;; *) echo "no reason in: $err"; return 1 ;; esac
    done
    must_equal "$before" "$(books)" books
}

# A refused attempt keeps no key: nothing of it is left to answer from, and the request may be made again.
refused_keeps_none()
{
    local before
    before=$(books)
    must_exit 1 xatop transfer --from 1031 --to 1032 --amount 99999999 --id big &&
        must_exit 1 xatop transfer --from 1031 --to 1032 --amount 99999999 --id big && must_equal "$before" "$(books)" books &&
        must_exit 0 xatop transfer --from 1031 --to 1032 --amount 1 --id big
}

# crashed POINT MOVED: the asker, who heard nothing, asks again. Decided: the first outcome; else a new attempt, the only one.
crashed()
{
    local point=$1 key=crash-$1-$pair before gtrid
    before=$(balance 1031)
    must_exit 99 xatop --fault "crash@$point" transfer --from 1031 --to 1032 --amount 1 --id "$key" || return
    must_exit 0 xatop --json transfer --from 1031 --to 1032 --amount 1 --id "$key" || return
    must_be "[\"committed\",$2]" '[.outcome,.repeated]' || return
    gtrid=$(jq -r .gtrid <<<"$out")
    must_exit 0 xatop --json transfer --from 1031 --to 1032 --amount 1 --id "$key" && must_be "$gtrid" .gtrid || return
    all_settled && must_equal "$((before - 100))" "$(balance 1031)" 'balance of 1031'
}

# crashed_and_dead POINT NODE: and a node of it is down. No answer is a wrong one, no attempt is a second one.
crashed_and_dead()
{
    local point=$1 node=$2 key=dead-$1-$2-$pair before
    before=$(balance 1031)
    must_exit 99 xatop --fault "crash@$point" transfer --from 1031 --to 1032 --amount 1 --id "$key" || return
    must_exit 0 xatop nodes kill "$node" || return
    local code=0
    out=$(xatop --json --wait 1 transfer --from 1031 --to 1032 --amount 1 --id "$key" 2>"$tmp/err") || code=$?
    case $point,$node in
    *,n1) [ "$code" = 3 ] || [ "$code" = 4 ] || must_equal '3 or 4' "$code" 'exit code: who has the key cannot be asked' || return ;;
    prepare.*,n2) must_equal 4 "$code" 'exit code: rolled back on n1, and no new attempt without n2' || return ;;
    *) must_equal 3 "$code" 'exit code' && must_be '["committed-pending",true]' '[.outcome,.repeated]' || return ;;
    esac
    must_exit 0 xatop nodes start "$node" && recovers || return
    must_exit 0 xatop --json transfer --from 1031 --to 1032 --amount 1 --id "$key" || return
    must_be committed .outcome && all_settled && must_equal "$((before - 100))" "$(balance 1031)" 'balance of 1031'
}

# The log failed under the first attempt: unresolved until it is opened anew, and then one or the other, once.
log_failed()
{
    local before key=logfail-$pair
    before=$(balance 1031)
    must_exit 3 xatop --json --fault logfail@decide.durable transfer --from 1031 --to 1032 --amount 1 --id "$key" &&
        must_be in-doubt .outcome || return
    must_exit 0 xatop --json transfer --from 1031 --to 1032 --amount 1 --id "$key" && must_be committed .outcome &&
        all_settled && must_equal "$((before - 100))" "$(balance 1031)" 'balance of 1031'
}

e2e_keys()
{
    local begun=$SECONDS
    try "a key asked again" repeat_answers
    try "the key of an order asked again" order_repeat_answers
    try "a key with other parameters" other_request
    try "the key of a refused attempt" refused_keeps_none
    try "a key after crash@work.reply:2" crashed work.reply:2 false
    try "a key after crash@prepare.reply:2" crashed prepare.reply:2 false
    try "a key after crash@decide.durable" crashed decide.durable true
    try "a key after crash@commit.reply:1" crashed commit.reply:1 true
    try "a key, decided, its node down" crashed_and_dead decide.durable n1
    try "a key, decided, the other node down" crashed_and_dead decide.durable n2
    try "a key, undecided, its node down" crashed_and_dead prepare.reply:2 n1
    try "a key, undecided, the other node down" crashed_and_dead prepare.reply:2 n2
    try "a key under a log that failed" log_failed
    printf '# %s: keys took %s s\n' "$pair" $((SECONDS - begun))
}
