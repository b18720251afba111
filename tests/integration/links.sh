#!/bin/bash
# Links to real servers: cut in the middle of a transaction, half-open sessions, lost replies, slow and broken ones.
. "${srcdir:-.}/tests/lib/e2e/lab.sh"
. "${srcdir:-.}/tests/lib/e2e/business.sh"

now_ms() { echo $(($(date +%s%N) / 1000000)); }
link() { must_exit 0 xatop --json link "$@"; }
branches_of_ours() { [ "$(ours)" = "$1" ]; }
prepared_on() { [ "$(sql "$1" 'XA RECOVER' | grep -c xa1.xatop.)" = "$2" ]; }
# Of the coordinator, whatever they do.
sessions_on() { sql "$1" "SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'xatop'"; }
two() { "$XATOP" --json "$@" transfer --from 1011 --to 1012 --amount 1; }
balances() { echo "$(balance 1011) $(balance 1012)"; }
moved() { must_equal "$((${1% *} - $2)) $((${1#* } + $2))" "$(balances)" 'balances of 1011 and 1012'; }

# Whatever went wrong: the next case begins with healthy links.
heal_all()
{
    "$XATOP" -q link n1 heal
    "$XATOP" -q link n2 heal
} >/dev/null 2>&1
try_link()
{
    try "$@"
    [ -z "$background" ] || kill -KILL "$background" 2>/dev/null
    background=
    heal_all
}

listed()
{
    link && must_be '["n1","up","heal",false,false,0,0,0,false,false]' \
        '.links[0] | [.node,.state,.words,.cut_request,.cut_reply,.delay_ms,.jitter_ms,.rate,.drip,.reset]' || return
    link n2 cut=reply delay=5 && must_be '["n2","cut","cut=reply delay=5",false,true,5]' \
        '.links[0] | [.node,.state,.words,.cut_request,.cut_reply,.delay_ms]' || return
    must_exit 0 xatop --json status && must_be '["up","cut"]' '[.nodes[].state]' || return
    link n2 heal && must_be '["up","heal"]' '.links[0] | [.state,.words]'
}

# Nothing but lab nodes is touched, and never under --readonly.
refused()
{
    must_exit 1 xatop --readonly link n2 cut || return
    must_exit 2 xatop link n2 cutt && [[ $err == *'did you mean cut'* ]] || { echo "$err"; return 1; }
    must_exit 2 xatop link n3 cut || return
    ports || return
    must_exit 1 outsider "$tmp/out" link n1 cut && [[ $err == *'role = "lab"'* ]] || { echo "$err"; return 1; }
    printf 'nodes = ( { name = "n1"; role = "lab"; host = "192.0.2.7"; } );\n' >"$tmp/far.conf"
    must_exit 1 xatop -c "$tmp/far.conf" link n1 cut && [[ $err == *loopback* ]] || { echo "$err"; return 1; }
    printf 'links = false;\nnodes = ( { name = "n1"; lab = true; } );\n' >"$tmp/off.conf"
    must_exit 1 xatop -c "$tmp/off.conf" link n1 cut && [[ $err == *'links = false'* ]] || { echo "$err"; return 1; }
    link && must_be '["up","up"]' '[.links[].state]'
}

# What needs n2 is refused in time and says so, and its process ends in time; what needs n1 alone goes on; nothing moved.
cut_before()
{
    local before began code=0
    before=$(balances)
    link n2 cut || return
    began=$(now_ms)
    out=$(TRANSACTION_TIMEOUT=2 PREPARE_TIMEOUT=2 two --wait 1 2>"$tmp/err") || code=$?
    must_equal 4 "$code" 'exit code' && must_be aborted .outcome || return
    [ $(($(now_ms) - began)) -lt 8000 ] || { echo "took $(($(now_ms) - began)) ms"; return 1; }
    [[ $out == *'node n2 '* ]] || { echo "which node: $out"; return 1; }
    must_exit 0 xatop --json transfer --from 1013 --to 1015 --amount 1 || return
    grep '"kind":"node"' "$XATOP_STATE/journal.jsonl" | grep '"node":2' | grep -q '"result":"cut"' || { echo 'no cut in the journal'; return 1; }
    must_exit 4 xatop --json recover --wait 1 && must_be '["n2"]' .unreachable || return
    link n2 heal && recovers && moved "$before" 0
}

# The fault itself: the message goes into a link that was just cut.
cut_at()
{
    local point=$1 outcome=$2 amount=$3 before code=0
    before=$(balances)
    out=$(TRANSACTION_TIMEOUT=3 PREPARE_TIMEOUT=3 two --wait 1 --fault "cut@$point" 2>"$tmp/err") || code=$?
    must_be "$outcome" .outcome && must_equal 3 "$code" 'exit code' || return
    link n2 && must_be cut '.links[0].state' || return
    link n2 heal && recovers && moved "$before" "$amount"
}

# Both in one process: cut off at its COMMIT, healed under it, told.
cut_and_healed()
{
    local before
    before=$(balances)
    in_background "$XATOP" --json --wait 60 --fault cut@commit.sent:n2 transfer --from 1011 --to 1012 --amount 1
    await 10 'n2 is cut off' grep -q 'cut$' "$XATOP_STATE/links/n2" && await 10 'n1 was told' prepared_on n1 0 || return
    prepared_on n2 1 || { echo 'n2 is not prepared'; return 1; }
    link n2 heal || return
    background_exit
    out=$(cat "$tmp/bg.out")
    must_equal 0 "$bg_code" 'exit code' && must_be committed .outcome && recovers && moved "$before" 100
}

# The reply of a PREPARE is lost, then everything: the branch is held by a session that nobody has on the other end. After the
# link is healed it is finished as soon as the fence has killed that session, not when the server gives it up.
half_open()
{
    local before began took held
    before=$(balances)
    in_background env PREPARE_TIMEOUT=4 "$XATOP" --json --wait 90 --fault delay=2000@prepare.sent:2 \
        transfer --from 1011 --to 1012 --amount 1
    await 10 'n1 is prepared' prepared_on n1 1 && link n2 cut=reply && await 10 'n2 is prepared' prepared_on n2 1 &&
        link n2 cut || return
    await 20 'n1 is rolled back' prepared_on n1 0 || return
    held=$(sessions_on n2)
    prepared_on n2 1 && [ "$held" -gt 0 ] || { echo "not held: $held sessions on n2"; return 1; }
    kill -0 "$background" || { echo 'the coordinator is gone'; return 1; }
    link n2 heal || return
    began=$(now_ms)
    await 40 'n2 is rolled back' prepared_on n2 0 || return
    took=$(($(now_ms) - began))
    background_exit
    out=$(cat "$tmp/bg.out")
    must_equal 1 "$bg_code" 'exit code' && must_be aborted .outcome || return
    echo "$pair: a half-open branch was finished $took ms after heal; wait_timeout is 180000 ms" >>"$tmp/figures"
    [ "$took" -lt 30000 ] || { echo "took $took ms"; return 1; }
    recovers && moved "$before" 0
}

# The reply of a COMMIT is lost: fence, then the marker tells that it was done.
n1_differs() { local now; now=$(balances) && [ "${now%% *}" != "${1%% *}" ]; } # nothing prepared is also how it begins
commit_reply_lost()
{
    local before
    before=$(balances)
    in_background "$XATOP" --json --wait 60 --fault delay=2000@commit.sent:2 transfer --from 1011 --to 1012 --amount 1
    await 10 'n1 is committed' n1_differs "$before" && prepared_on n2 1 && link n2 cut=reply || return
    await 20 'n2 is committed' prepared_on n2 0 && link n2 heal || return
    background_exit
    out=$(cat "$tmp/bg.out")
    must_equal 0 "$bg_code" 'exit code' && must_be committed .outcome && recovers && moved "$before" 100
}

slow()
{
    local before began
    before=$(balances)
    link n2 delay=40 jitter=20 || return
    began=$(now_ms)
    must_exit 0 two || return
    [ $(($(now_ms) - began)) -ge 400 ] || { echo 'not slower'; return 1; } # five messages and more, there and back
    link n2 heal rate=20000 && must_exit 0 two || return
    link n2 heal && recovers && moved "$before" 200
}

# A packet that ends in its middle: whatever it was, the truth is told, and it happens once.
broken()
{
    local before code=0
    before=$(balances)
    link n2 reset || return
    out=$(two 2>"$tmp/err") || code=$?
    [ "$code" = 0 ] || [ "$code" = 1 ] || [ "$code" = 4 ] || { echo "exit $code: $out"; return 1; }
    link n2 && must_be up '.links[0].state' || return
    recovers && must_exit 0 two || return
    recovers && moved "$before" "$((code == 0 ? 200 : 100))"
}

# A server that is killed behind a healthy link is found down, not cut; behind a cut link nobody can tell.
killed_behind()
{
    must_exit 0 xatop nodes kill n2 || return
    must_exit 4 two && must_be aborted .outcome || return
    tail -n 30 "$XATOP_STATE/journal.jsonl" | grep '"kind":"node"' | grep '"node":2' | grep -q '"result":"down"' || { echo 'not down'; return 1; }
    must_exit 0 xatop nodes start n2 && recovers
}

# Without links the same transfers go through no proxy.
without()
{
    cp "$XATOP_CONFIG" "$tmp/off.conf" && echo 'links = false;' >>"$tmp/off.conf"
    link n2 cut || return # has no meaning then
    must_exit 0 xatop -c "$tmp/off.conf" --json transfer --from 1011 --to 1012 --amount 1 || return
    link n2 heal && all_settled
}

on_makes()
{
    pair=$1+$2
    lab "$1" "$2" || { skip "$pair: links" 'a server is missing here'; return; }
    expect_exit 0 "$pair: setup" "$XATOP" --json setup || return
    try_link 'links are listed and changed' listed
    try_link 'what is not ours is refused' refused
    try_link 'a transfer over a healthy link' must_exit 0 two
    try_link 'cut before' cut_before
    try_link 'cut at PREPARE' cut_at prepare.sent:n2 aborted-pending 0
    try_link 'cut after the vote' cut_at prepare.reply:n2 committed-pending 100
    try_link 'cut at COMMIT' cut_at commit.sent:n2 committed-pending 100
    try_link 'cut at COMMIT and healed' cut_and_healed
    try_link 'a branch held by a half-open session' half_open
    try_link 'the reply of a COMMIT is lost' commit_reply_lost
    try_link 'slow' slow
    try_link 'a packet ends in its middle' broken
    try_link 'killed behind a healthy link' killed_behind
    try_link 'without links' without
    expect_exit 0 "$pair: stop" "$XATOP" nodes stop
    sed 's/^/# /' "$tmp/figures"
    rm -f "$tmp/figures"
}

command -v jq >/dev/null && [ -n "$client" ] || { not_ok 'jq and a client are here'; finish; }
on_makes mysql mariadb
on_makes mariadb mysql
finish
