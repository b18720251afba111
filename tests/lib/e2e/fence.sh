# One coordinator id, one decision log, one process: everybody else is turned away before it touches anything.
# shellcheck shell=bash

# Another log under our id is turned away, by name; with a prepared branch of the first log's there before and after.
other_log()
{
    local name=$1 before_branches before command
    shift
    before=$(balance 1021)
    must_exit 99 xatop --fault crash@decide.durable transfer --from 1021 --to 1022 --amount 1 || return
    before_branches=$(prepared)
    for command in 'transfer --from 1023 --to 1024 --amount 1' 'transfer --from 1023 --to 1025 --amount 1' \
        'order --product 101 --quantity 1 --customer 2001' recover 'recover --dry-run'; do
        # shellcheck disable=SC2086
        must_exit 7 "$@" $command || return
        case $err in
        *$'\n'*) echo "more than one line: $err"; return 1 ;;
        "xatop: "*"$(hostname)"*) ;;
        *) echo "no host in: $err"; return 1 ;;
        esac
        [[ $err =~ pid\ [0-9]+ ]] || { echo "no pid in: $err"; return 1; }
        must_equal "$before_branches" "$(prepared)" "prepared branches after $command" || return
    done
    must_exit 0 "$@" --json indoubt list && must_be '["other-log","other-log"]' '[.branches[] | select(.owner != "foreign") | .owner]' || return
    recovers && must_equal "$((before - 100))" "$(balance 1021)" 'balance of 1021'
}

# The same directory, wiped: the log is gone and a new one would take its place.
wiped()
{
    local before before_branches
    before=$(balance 1021)
    must_exit 99 xatop --fault crash@decide.durable transfer --from 1021 --to 1022 --amount 1 || return
    before_branches=$(prepared)
    mv "$XATOP_STATE/dlog" "$XATOP_STATE/dlog.away" || return
    must_exit 7 xatop transfer --from 1023 --to 1024 --amount 1 && must_exit 7 xatop recover || return
    must_equal "$before_branches" "$(prepared)" 'prepared branches' || return
    rm -rf "$XATOP_STATE/dlog" && mv "$XATOP_STATE/dlog.away" "$XATOP_STATE/dlog" || return
    recovers && must_equal "$((before - 100))" "$(balance 1021)" 'balance of 1021'
}

# Another coordinator id on the same servers is nobody's enemy: it works, and leaves ours alone.
other_coordinator()
{
    local before before_branches
    printf 'coordinator = "second";\n' >"$tmp/second.conf"
    before=$(balance 1021)
    must_exit 99 xatop --fault crash@decide.durable transfer --from 1021 --to 1022 --amount 1 || return
    before_branches=$(prepared)
    must_exit 0 outsider "$tmp/second" -c "$tmp/second.conf" --json transfer --from 1023 --to 1024 --amount 1 || return
    must_exit 0 outsider "$tmp/second" -c "$tmp/second.conf" --json recover || return
    must_equal "$before_branches" "$(prepared)" 'prepared branches' || return
    recovers && must_equal "$((before - 100))" "$(balance 1021)" 'balance of 1021'
}

# While one runs: a second one on the same state is turned away with its pid; whoever only looks is not.
second_process()
{
    local gtrid command before
    before=$(balance 1021)
    must_exit 0 xatop --json transfer --from 1027 --to 1028 --amount 1 || return
    gtrid=$(jq -r .gtrid <<<"$out")
    in_background "$XATOP" --json --fault delay=8000@prepare.sent:1 transfer --from 1021 --to 1022 --amount 1
    await 10 'the other is at work' journal_has "$background" prepare || return
    for command in 'transfer --from 1023 --to 1024 --amount 1' recover; do
        # shellcheck disable=SC2086
        must_exit 7 xatop $command || return
        case $err in *$'\n'*) echo "more than one line: $err"; return 1 ;; *"pid $background"*) ;; *) echo "no pid $background in: $err"; return 1 ;; esac
    done
    must_exit 0 xatop --json status && must_be "$background" .log.holder_pid || return
    must_exit 0 xatop --json show "$gtrid" && must_be committed .outcome || return
    must_exit 0 xatop --json audit && must_be true .ok || return
    must_exit 0 xatop --json indoubt list || return
    must_exit 0 xatop --json nodes list || return
    if "$XATOP" --help | grep -q '^  log '; then must_exit 0 xatop --json log || return; fi
    kill -0 "$background" || { echo 'it was gone before the others had looked'; return 1; }
    background_exit
    must_equal 0 "$bg_code" 'exit code of the first' && all_settled && must_equal "$((before - 100))" "$(balance 1021)" 'balance of 1021'
}

# The coordinator named by its pid has begun to prepare.
journal_has() { [ -d "/proc/$1" ] && [ "$(xatop --json status | jq .log.holder_pid)" = "$1" ]; }

e2e_fence()
{
    local begun=$SECONDS
    ports || { not_ok "$pair: ports" "$out$err"; return; }
    try "a second state directory is turned away" other_log second outsider "$tmp/outsider"
    try "a wiped state directory is turned away" wiped
    try "another coordinator id works beside us" other_coordinator
    try "a second process is turned away" second_process
    printf '# %s: fences took %s s\n' "$pair" $((SECONDS - begun))
}
