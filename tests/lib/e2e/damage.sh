# Wrong passwords, servers that are not there, state directories that cannot be used, a decision log that was damaged.
# shellcheck shell=bash

# refused CODE WORDS NAME COMMAND...: one line, nothing on stdout but the answer in words, no password anywhere.
refused()
{
    local code=$1 words=$2 name=$3
    shift 3
    expect_exit "$code" "$pair: $name" "$@" || return
    says "$pair: $name: said" "$words"
    case $expect_out$expect_err in *hush*) not_ok "$pair: $name: the password is told" "$expect_out$expect_err" ;; esac
}

# foreign COMMAND...: through the two ports, with the passwords $secret1 and $secret2, as a coordinator of another id.
foreign()
{
    env DB1_HOST="${host1-127.0.0.1}" DB1_PORT="$port1" DB1_PASSWORD="$secret1" DB2_HOST=127.0.0.1 DB2_PORT="$port2" DB2_PASSWORD="$secret2" \
        "$XATOP" -c "$tmp/third.conf" --state "${state-$tmp/errors}" "$@"
}

e2e_connections()
{
    local transfer=(transfer --from 1001 --to 1002 --amount 1) command
    for command in "${transfer[*]}" 'order --product 101 --quantity 1 --customer 2001' recover audit status init 'indoubt list'; do
        # shellcheck disable=SC2086
        secret2=hush-hush refused 4 n2 "wrong password: ${command%% *}" foreign $command
    done
    port2=1 refused 4 n2 'no server there' foreign "${transfer[@]}"
    port2=1 refused 4 n2 'no server there: recover' foreign recover
    host1=db.invalid refused 4 n1 'no such host' foreign "${transfer[@]}"
    try "nothing was changed by those" all_settled
}

# The port of a lab node, taken by somebody else: here by the other node.
port_in_use()
{
    printf 'nodes = ( { name = "p1"; lab = true; make = "mariadb"; port = %s; }, { name = "p2"; lab = true; } );\n' "$port1" >"$tmp/port.conf"
    must_exit 4 xatop -c "$tmp/port.conf" --state "$tmp/port" nodes start p1 || return
    case $err in *$'\n'*) echo "more than one line: $err"; return 1 ;; "xatop: "*"$port1"*) ;; *) echo "no port in: $err"; return 1 ;; esac
}

e2e_state()
{
    local command dir unwritable=(/proc/xatop-e2e /sys/xatop-e2e)
    : >"$tmp/a-file"
    if [ "$(id -u)" != 0 ]; then
        mkdir -m 500 "$tmp/read-only"
        unwritable+=("$tmp/read-only" "$tmp/read-only/below")
    fi
    for command in 'transfer --from 1001 --to 1002 --amount 1' recover; do
        for dir in "${unwritable[@]}" "$tmp/a-file" "$tmp/a-file/below"; do
            # shellcheck disable=SC2086
            refused 7 'state directory' "${command%% *} in ${dir##*/}" "$XATOP" --state "$dir" $command
        done
    done
    mkdir -m 700 "$tmp/no-log" && : >"$tmp/no-log/dlog"
    state=$tmp/no-log refused 7 dlog 'a file in place of the decision log' foreign transfer --from 1001 --to 1002 --amount 1
    try "nothing was changed by those states" all_settled
}

# The bytes of the newest segment up to the last that is not zero.
log_end() { tr '\000' '\n' <"$1" | awk '{ at += length($0) + 1 } length($0) { last = at } END { print last - 1 }'; }
newest_segment() { find "$XATOP_STATE/dlog" -type f -size +0 -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d' ' -f2; }

# A byte in the middle is not what was written: nothing starts, nothing is decided, until somebody has looked.
damaged_middle()
{
    local segment before
    must_exit 0 xatop transfer --from 1001 --to 1002 --amount 1 && must_exit 99 xatop --fault crash@decide.durable transfer --from 1001 --to 1002 --amount 1 || return
    before=$(prepared)
    cp -a "$XATOP_STATE/dlog" "$tmp/dlog.good"
    segment=$(newest_segment)
    printf '\377\377' | LC_ALL=C dd of="$segment" bs=1 seek=$(($(LC_ALL=C log_end "$segment") * 2 / 3)) conv=notrunc status=none
    must_exit 7 xatop transfer --from 1001 --to 1002 --amount 1 || return
    case $err in *$'\n'*) echo "more than one line: $err"; return 1 ;; *"xatop log"*) ;; *) echo "no advice in: $err"; return 1 ;; esac
    must_exit 7 xatop recover && must_equal "$before" "$(prepared)" 'prepared branches' || return
    rm -rf "$XATOP_STATE/dlog" && cp -a "$tmp/dlog.good" "$XATOP_STATE/dlog" && rm -rf "$tmp/dlog.good"
    recovers
}

# The last record half written, as a crash leaves it: legal.
torn_tail()
{
    local segment
    must_exit 0 xatop transfer --from 1001 --to 1002 --amount 1 || return
    segment=$(newest_segment)
    LC_ALL=C dd if=/dev/zero of="$segment" bs=1 seek=$(($(LC_ALL=C log_end "$segment") - 3)) count=3 conv=notrunc status=none
    recovers && must_exit 0 xatop transfer --from 1001 --to 1002 --amount 1 && all_settled
}

# Every password stays in its own files, which only we may read: none in logs, journal, answers, arguments.
passwords_stay()
{
    local secret found file
    for file in "$XATOP_STATE"/nodes/*/*.password; do
        secret=$(cat "$file")
        [ "${#secret}" -ge 16 ] || { echo "$file: too short to look for"; return 1; }
        found=$(grep -rlF --exclude-dir=data --exclude='*.password' --exclude=admin.cnf -e "$secret" "$XATOP_STATE")
        [ -z "$found" ] || { echo "${file##*nodes/} is in $found"; return 1; }
        found=$(xatop -v --json status; xatop -v transfer --from 1001 --to 1002 --amount 1; xatop --dump-config; xatop --json nodes)
        [[ $found != *"$secret"* ]] || { echo "${file##*nodes/} is told: $found"; return 1; }
    done
    secret2=hush-hush in_background foreign transfer --from 1001 --to 1002 --amount 1
    # no program looks for it: it would find its own command line
    found=$(cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\000' ' ')
    background_exit
    [[ $found != *hush-hush* && $found != *"$secret"* ]] || { echo 'a command line has a password in it'; return 1; }
}

e2e_damage()
{
    local begun=$SECONDS
    ports || { not_ok "$pair: ports" "$out$err"; return; }
    secret1=$(cat "$XATOP_STATE/nodes/n1/app.password") secret2=$(cat "$XATOP_STATE/nodes/n2/app.password")
    printf 'coordinator = "third";\n' >"$tmp/third.conf"
    e2e_connections
    try "a port in use" port_in_use
    e2e_state
    try "a decision log damaged in the middle" damaged_middle
    try "a decision log with a torn tail" torn_tail
    try "passwords stay in their files" passwords_stay
    printf '# %s: damage took %s s\n' "$pair" $((SECONDS - begun))
}
