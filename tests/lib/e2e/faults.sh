# Nodes that die in doubt, answers that are lost, a log that fails: what is told must be true, then and after recovery.
# shellcheck shell=bash

node_up() { [ "$("$XATOP" --json nodes list | jq -r ".nodes[] | select(.name == \"$1\") | .state")" = up ]; }

# A crash, then SIGKILL of the nodes named; with a node away the others are finished; with all back nothing is left.
# killed_after POINT MOVED NODE...
killed_after()
{
    local point=$1 moved=$2 before node
    shift 2
    before="$(balance 1011) $(balance 1012)"
    must_exit 99 xatop --fault "crash@$point" transfer --from 1011 --to 1012 --amount 1 || return
    must_exit 0 xatop nodes kill "$@" || return
    must_exit "$([ "$moved" = 0 ] && echo 4 || echo 3)" xatop --json recover --wait 1 && must_be "$(printf '%s\n' "$@" | jq -Rsc 'split("\n")[:-1]')" .unreachable || return
    [[ $err == *"node $1 cannot be reached"* ]] || { echo "which node: $err"; return 1; }
    must_exit 4 xatop --json audit && must_be null .ok || return
    for node in n1 n2; do # one node away does not hold up the other
        [[ " $* " == *" $node "* ]] || must_equal '' "$(sql "$node" 'XA RECOVER' | grep -F xa1.xatop.)" "prepared on $node" || return
    done
    must_exit 0 xatop nodes start "$@" || return
    recovers || return
    must_equal "$((${before% *} - moved)) $((${before#* } + moved))" "$(balance 1011) $(balance 1012)" 'balances of 1011 and 1012'
}

branches_of_ours() { [ "$(ours)" = "$1" ]; }

# The coordinator lives, and its node dies between the decision and the XA COMMIT: committed, and told so once it is back.
killed_under_a_coordinator()
{
    local node=$1 branch=$2 before
    before=$(balance 1011)
    in_background "$XATOP" --json --wait 60 --fault "delay=1500@commit.sent:$branch" transfer --from 1011 --to 1012 --amount 1
    await 10 'a branch waits for its COMMIT' branches_of_ours 1 && must_exit 0 xatop nodes kill "$node" &&
        must_exit 0 xatop nodes start "$node" || return
    background_exit
    out=$(cat "$tmp/bg.out")
    must_equal 0 "$bg_code" 'exit code' && must_be committed .outcome && recovers &&
        must_equal "$((before - 100))" "$(balance 1011)" 'balance of 1011'
}

# And it stays away: the command says so in time, the next one tells the node.
pending_is_told()
{
    local before
    before=$(balance 1012)
    in_background "$XATOP" --json --wait 0 --fault 'delay=5000@commit.sent:2' transfer --from 1011 --to 1012 --amount 1
    await 10 'branch 2 is prepared' branches_of_ours 1
    background_exit
    out=$(cat "$tmp/bg.out") err=$(cat "$tmp/bg.err")
    must_equal 3 "$bg_code" 'exit code' && must_be committed-pending .outcome && recovers &&
        must_equal "$((before + 100))" "$(balance 1012)" 'balance of 1012'
}

# fault SPEC EXIT OUTCOME MOVED [OPTION...]: told as said, true after recovery.
fault()
{
    local spec=$1 code=$2 outcome=$3 moved=$4 before
    shift 4
    before="$(balance 1013) $(balance 1014)"
    must_exit "$code" xatop --json "$@" --fault "$spec" transfer --from 1013 --to 1014 --amount 1 || return
    must_be "$outcome" .outcome || return
    if [ "$code" = 0 ]; then all_settled; else recovers; fi || return
    must_equal "$((${before% *} - moved)) $((${before#* } + moved))" "$(balance 1013) $(balance 1014)" 'balances of 1013 and 1014'
}

# A write or sync of the decision that fails: nobody knows what a disk has after that, so in doubt, until the log is read anew.
# Afterwards all or nothing.
log_fails()
{
    local before after
    before="$(balance 1013) $(balance 1014)"
    must_exit 3 xatop --json "$@" transfer --from 1013 --to 1014 --amount 1 && must_be in-doubt .outcome || return
    must_equal 2 "$(ours)" 'prepared branches, which have no verdict yet' && recovers || return
    after="$(balance 1013) $(balance 1014)"
    [ "$after" = "$before" ] ||
        must_equal "$((${before% *} - 100)) $((${before#* } + 100))" "$after" 'balances of 1013 and 1014'
}

# A transfer whose node is away from the start: nothing begins.
node_away()
{
    local before
    before=$(balance 1013)
    must_exit 0 xatop nodes kill n2 || return
    must_exit 4 xatop --json transfer --from 1013 --to 1014 --amount 1 && must_be aborted .outcome || return
    must_exit 0 xatop --json transfer --from 1013 --to 1015 --amount 1 || return # n1 alone can work
    must_exit 0 xatop nodes start n2 && recovers && must_equal "$((before - 100))" "$(balance 1013)" 'balance of 1013'
}

# A frozen node does not answer: the transaction is aborted in time, and finished there when it thaws.
node_frozen()
{
    local before
    before=$(balance 1013)
    must_exit 0 xatop nodes freeze n2 || return
    local code=0
    out=$(TRANSACTION_TIMEOUT=2 PREPARE_TIMEOUT=2 xatop --json --wait 1 transfer --from 1013 --to 1014 --amount 1 2>"$tmp/err") || code=$?
    must_exit 0 xatop nodes thaw n2 || return
    [ "$code" = 4 ] || [ "$code" = 1 ] || [ "$code" = 3 ] || must_equal 'not committed' "$code" 'exit code' || return
    recovers && must_equal "$before" "$(balance 1013)" 'balance of 1013'
}

e2e_faults()
{
    local begun=$SECONDS branch
    try "n1 dies before its COMMIT" killed_after decide.durable 100 n1
    try "n2 dies before its COMMIT" killed_after decide.durable 100 n2
    try "n1 dies undecided" killed_after prepare.reply:2 0 n1
    try "both die before their COMMIT" killed_after decide.durable 100 n1 n2
    try "both die undecided" killed_after decide.append 0 n1 n2
    try "n2 dies after its COMMIT" killed_after commit.reply:2 100 n2
    try "n1 dies under a coordinator" killed_under_a_coordinator n1 1
    try "n2 dies under a coordinator" killed_under_a_coordinator n2 2
    try "a COMMIT held is pending" pending_is_told
    for branch in 1 2; do
        try "drop@start.sent:$branch" fault "drop@start.sent:$branch" 1 aborted 0
        try "drop@work.reply:$branch" fault "drop@work.reply:$branch" 1 aborted 0
        try "drop@prepare.sent:$branch" fault "drop@prepare.sent:$branch" 1 aborted 0
        try "drop@prepare.reply:$branch" fault "drop@prepare.reply:$branch" 1 aborted 0
        try "drop@commit.sent:$branch" fault "drop@commit.sent:$branch" 0 committed 100
        try "drop@commit.reply:$branch" fault "drop@commit.reply:$branch" 0 committed 100
        try "refuse@work.sent:$branch" fault "refuse@work.sent:$branch" 1 aborted 0
        try "refuse@prepare.sent:$branch" fault "refuse@prepare.sent:$branch" 1 aborted 0
        try "refuse@commit.sent:$branch" fault "refuse@commit.sent:$branch" 0 committed 100
        try "delay=300@prepare.reply:$branch" fault "delay=300@prepare.reply:$branch" 0 committed 100
    done
    try "drop@prepare.reply:2 in packets" fault drop@prepare.reply:2 1 aborted 0 --wire packet
    try "drop@commit.reply:1 in packets" fault drop@commit.reply:1 0 committed 100 --wire packet
    try "refuse@prepare.sent:1 in packets" fault refuse@prepare.sent:1 1 aborted 0 --wire packet
    try "logfail@decide.append" log_fails --fault logfail@decide.append
    try "logfail@decide.durable" log_fails --fault logfail@decide.durable
    try "a node away" node_away
    try "a node frozen" node_frozen
    printf '# %s: faults took %s s\n' "$pair" $((SECONDS - begun))
}
