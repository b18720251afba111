#!/bin/bash
# Fencing on two real servers, mysql and mariadb: a copy of the state directory and an empty one beside the coordinator that is
# at work or frozen; --take-over; what the older one still had on its way; take-over after take-over in the middle of load.
# XATOP_SOAK=1: 50 of those instead of 6.
. "${srcdir:-.}/tests/lib/e2e/lab.sh"

load=$(dirname "$XATOP")/tests/lib/load
rounds=6
[ -z "${XATOP_SOAK-}" ] || rounds=50
pair=mysql+mariadb
loads=()
trap 'end_loads; stop_labs' EXIT

# at STATE PROGRAM...: with that state directory on the same two servers, which are no lab of its.
at()
{
    at_env "$1"
    shift
    "${where[@]}" "$@"
}
at_env()
{
    where=(env DB1_HOST=127.0.0.1 DB1_PORT="$port1" DB1_PASSWORD="$app1" DB2_HOST=127.0.0.1 DB2_PORT="$port2" DB2_PASSWORD="$app2"
        XATOP_CONFIG= XATOP_STATE="$1")
    [ "$1" != "$XATOP_STATE" ] || where=()
}

# As try, but not in a subshell: processes and variables of one case are the next one's. After a failure all begins anew.
here()
{
    local name=$1
    shift
    if "$@" >"$tmp/said" 2>&1; then ok "$pair: $name"; return; fi
    not_ok "$pair: $name" "$(cat "$tmp/said")"
    end_loads
    [ ! -p "$tmp/pipe" ] || timeout 1 bash -c ': >"$1"' - "$tmp/pipe"
    "$XATOP" -q nodes thaw && "$XATOP" -q nodes start && back && finish_by_hand "$XATOP_STATE" && "$XATOP" -q recover
} 2>/dev/null
end_loads()
{
    local pid
    [ -z "$background" ] || loads+=("$background")
    background=
    for pid in "${loads[@]}"; do kill -CONT "$pid"; kill -KILL "$pid"; wait "$pid"; done
    loads=()
} 2>/dev/null

# copy_of STATE NAME: a copy of its decision log, as it is at this moment, in $tmp/NAME.
copy_of() { rm -rf "${tmp:?}/$2" && mkdir -p -m 700 "$tmp/$2" && cp -a "$1/dlog" "$tmp/$2/"; }

now_ms() { echo $(($(date +%s%N) / 1000000)); }

# What says who owns the id, of both nodes.
rows()
{
    local node
    for node in n1 n2; do sql $node 'SELECT * FROM xatop.xa_epoch; SELECT * FROM xatop.xa_place'; done
}

committed() { awk '/committed/ { for (i = 1; i < NF; i++) if ($i == "committed") n = $(i + 1) } END { print n + 0 }' "$1"; }
has_committed() { [ "$(committed "$1")" -gt "$2" ]; }
ended() { ! kill -0 "$1" 2>/dev/null; }

# load_starts STATE OUT [OPTION...]: pid in $load_pid; returns when it has committed something.
load_starts()
{
    local state=$1 to=$2 where
    shift 2
    at_env "$state"
    "${where[@]}" "$load" "$@" >"$to" 2>"$to.err" </dev/null &
    load_pid=$!
    loads+=("$load_pid")
    await 30 "load from $state commits" has_committed "$to" 0 || { cat "$to" "$to.err"; return 1; }
}

# load_is_over CODE ERR WORDS: the last one started.
load_is_over()
{
    local code=0
    await 20 'the load ends' ended "$load_pid" || return
    wait "$load_pid" || code=$?
    must_equal "$1" "$code" "exit code of the load: $(cat "$2")" && case $(cat "$2") in *"$3"*) ;; *) cat "$2"; return 1 ;; esac
}

# said WORDS PID: $err is one line, with these words and the whole of who it is.
said()
{
    case $err in *$'\n'*) echo "more than one line: $err"; return 1 ;; esac
    [[ $err =~ ^xatop:\ .*"$1".*host\ "$(hostname)",\ pid\ $2,\ since\ 20[0-9-]{8}\ [0-9:]{8}\ UTC ]] || { echo "not said: $err"; return 1; }
}

# refused STATE WORDS: and nothing has changed anywhere.
refused()
{
    local before command
    before=$(rows)
    for command in 'transfer --from 1023 --to 1024 --amount 1' recover 'recover --dry-run'; do
        # shellcheck disable=SC2086
        must_exit 7 at "$1" "$XATOP" $command && said "$2" "$load_pid" || return
    done
    must_equal "$before" "$(rows)" 'rows of the nodes'
}

# back: the lab's own log owns the id again. Each start has a higher epoch, and it must pass the copy's.
back() { await 30 'the first log is back' xatop -q --take-over 'back to the first' recover; }

# finish_by_hand STATE...: every branch of ours that is left, as the log that wrote it says: that is the operator's part.
finish_by_hand()
{
    local node line gtrid state verb
    for node in n1 n2; do
        while read -r line; do
            gtrid=${line%b[0-9]*}
            verb=ROLLBACK
            for state in "$@"; do
                "$XATOP" --state "$state" --json log | jq -r 'select(.type == "commit") | .gtrid' | grep -qxF "$gtrid" && verb=COMMIT
            done
            sql $node "XA $verb '$gtrid','${line#"$gtrid"}',1482773616" || return
            by_hand=$((by_hand + 1))
        done < <(sql $node 'XA RECOVER' | awk '$4 ~ /^xa1\.xatop\./ { print $4 }' | grep -v "$foreign")
    done
}
by_hand=0
foreign=00000000deadbeef

# --- refused -------------------------------------------------------------------------------------------------------------

beside_running()
{
    load_starts "$XATOP_STATE" "$tmp/first" && copy_of "$XATOP_STATE" copy || return
    local before
    refused "$tmp/copy" 'this decision log is a copy, its original is at work' &&
        refused "$tmp/empty" "another decision log owns coordinator id 'xatop'" || return
    before=$(committed "$tmp/first")
    await 10 'the original works on' has_committed "$tmp/first" "$before"
}

beside_frozen()
{
    kill -STOP "$load_pid"
    refused "$tmp/copy" 'this decision log is a copy, its original is at work' &&
        refused "$tmp/empty" "another decision log owns coordinator id 'xatop'"
}

# On the restarted node nobody is alive; on the other one they are: the first must keep its row too.
beside_frozen_on_one_node()
{
    must_exit 0 xatop -q nodes restart n2 && refused "$tmp/copy" 'this decision log is a copy, its original is at work' || return
    must_exit 0 xatop -q nodes stop n1 && refused_unheard || return
    must_exit 0 xatop -q nodes start n1 || return
    local before
    before=$(committed "$tmp/first")
    kill -CONT "$load_pid"
    await 20 'the original works on' has_committed "$tmp/first" "$before" || return
    kill -TERM "$load_pid" && load_is_over 0 "$tmp/first.err" '' && recovers
}

refused_unheard()
{
    local before
    before=$(sql n2 'SELECT * FROM xatop.xa_epoch')
    must_exit 7 at "$tmp/copy" "$XATOP" recover && said 'cannot be seen while ' "$load_pid" &&
        must_equal "$before" "$(sql n2 'SELECT * FROM xatop.xa_epoch')" 'row of n2'
}

# --- taken over ----------------------------------------------------------------------------------------------------------

# held POINT: a transfer of the first log stands still there, on n1; then its process is frozen. Its log was copied before.
held()
{
    copy_of "$XATOP_STATE" copy || return
    held_from=$(balance 1021) held_to=$(balance 1022)
    in_background "$XATOP" --json --fault "delay=3000@$1:n1" transfer --from 1021 --to 1022 --amount 1
    await 10 "it is held at $1" at_n2 "$1" || return
    held_until=$(($(now_ms) + 3000))
    kill -STOP "$background"
}
# n2 has done its part, voted or committed, and its message to n1 left at the same time. (The journal is written too late to tell.)
at_n2()
{
    case $1 in
    prepare.sent) [ "$(sql n2 'XA RECOVER' | grep -c 'xa1\.xatop\.')" -gt "$prepared_before" ] ;;
    commit.sent) [ "$(balance 1022)" = $((held_to + 100)) ] ;;
    esac
}
hold_is_over() { [ "$(now_ms)" -gt "$held_until" ]; }

# take_over_from_held: the copy takes over, then the older one wakes up with its message due.
take_over_from_held()
{
    local begun
    # copied before the first one began its epoch: the copy's next one has the same number, and the same xids
    must_exit 7 at "$tmp/copy" "$XATOP" --json --take-over 'the first one is frozen' recover || return
    case $err in *'claim it again until ours is higher: host'*) ;; *) echo "$err"; return 1 ;; esac
    begun=$(now_ms)
    must_exit 0 at "$tmp/copy" "$XATOP" --json --take-over 'the first one is frozen' recover || return
    took="$took $(($(now_ms) - begun))"
    must_be '[0,0,1,["other-place"]]' '[.committed,.rolled_back,.ambiguous,([.verdicts[] | select(.verdict == "ambiguous") | .rule] | unique)]' || return
    grep -q 'the coordinator id is taken over: the first one is frozen' "$tmp/copy/journal.jsonl" &&
        grep -q 'the coordinator id is taken over: the first one is frozen' "$tmp/copy/xatop.log" || { echo 'the reason is not kept'; return 1; }
    await 10 'its message is due' hold_is_over
    kill -CONT "$background"
    background_exit
    must_equal 3 "$bg_code" "exit code of the older one: $(cat "$tmp/bg.out" "$tmp/bg.err")" || return
    out=$(cat "$tmp/bg.out")
}
took=

late_prepare()
{
    prepared_before=$(sql n2 'XA RECOVER' | grep -c 'xa1\.xatop\.')
    held prepare.sent && take_over_from_held || return
    case $(jq -r .outcome <<<"$out") in in-doubt | aborted-pending) ;; *) echo "told: $out"; return 1 ;; esac
    must_equal 0 "$(sql n1 'XA RECOVER' | grep -c 'xa1\.xatop\.')" 'branches prepared on n1' &&
        must_equal "$held_from $held_to" "$(balance 1021) $(balance 1022)" 'balances' || return
    must_exit 7 xatop transfer --from 1023 --to 1024 --amount 1 || return
    finish_by_hand "$XATOP_STATE" "$tmp/copy" && back && recovers &&
        must_equal "$held_from $held_to" "$(balance 1021) $(balance 1022)" 'balances at the end'
}

# Decided by the first log, unknown to the copy: to presume abort would tear it.
late_commit()
{
    held commit.sent && take_over_from_held && must_be committed-pending .outcome || return
    must_equal 1 "$(sql n1 'XA RECOVER' | grep -c 'xa1\.xatop\.')" 'branches prepared on n1' &&
        must_equal "$held_from $((held_to + 100))" "$(balance 1021) $(balance 1022)" 'balances' || return
    # it survives a restart of the one that took over
    must_exit 0 at "$tmp/copy" "$XATOP" --json recover && must_be '[0,0,1]' '[.committed,.rolled_back,.ambiguous]' || return
    finish_by_hand "$XATOP_STATE" "$tmp/copy" && back && recovers &&
        must_equal "$((held_from - 100)) $((held_to + 100))" "$(balance 1021) $(balance 1022)" 'balances at the end'
}

# Nothing of the other log's is finished, and the new owner may come again without a claim.
empty_takes_over()
{
    held commit.sent || return
    rm -rf "$tmp/empty"
    must_exit 0 at "$tmp/empty" "$XATOP" --json --take-over 'the first state is lost' recover &&
        must_be '[0,0,1,["other-log"]]' '[.committed,.rolled_back,.ambiguous,([.verdicts[] | select(.verdict == "ambiguous") | .rule] | unique)]' || return
    must_exit 0 at "$tmp/empty" "$XATOP" --json transfer --from 1023 --to 1024 --amount 1 || return
    kill -CONT "$background"
    background_exit
    must_equal 3 "$bg_code" "exit code of the older one: $(cat "$tmp/bg.out" "$tmp/bg.err")" || return
    must_exit 7 xatop transfer --from 1023 --to 1024 --amount 1 || return
    case $err in *'another decision log owns'*) ;; *) echo "$err"; return 1 ;; esac
    must_exit 0 xatop --take-over 'it was found' --json recover && must_be '[1,0,0]' '[.committed,.rolled_back,.ambiguous]' && recovers
}

# A node that is away: said, and taken as soon as it is back.
one_node_is_away()
{
    load_starts "$XATOP_STATE" "$tmp/first" && copy_of "$XATOP_STATE" copy || return
    local old=$load_pid
    kill -STOP "$old"
    must_exit 0 xatop -q nodes freeze n2 || return
    at_env "$tmp/copy"
    "${where[@]}" "$load" --take-over 'one node is away' >"$tmp/second" 2>"$tmp/second.err" </dev/null &
    load_pid=$!
    loads+=("$load_pid")
    await 30 'it says what it has not' grep -q 'n2 is not taken over' "$tmp/copy/xatop.log" &&
        await 5 'it has the other one' grep -q 'n1: taken over from host' "$tmp/copy/xatop.log" || return
    must_exit 0 xatop -q nodes thaw n2 || return
    await 30 'it takes n2' grep -q 'n2: taken over from host' "$tmp/copy/xatop.log" &&
        await 30 'it works' has_committed "$tmp/second" 0 || return
    kill -TERM "$load_pid" && load_is_over 0 "$tmp/second.err" '' || return
    load_pid=$old
    kill -CONT "$old" && load_is_over 7 "$tmp/first.err" 'has taken over on' || return
    finish_by_hand "$XATOP_STATE" "$tmp/copy" && back && recovers
}

# --- again and again in the middle of load -------------------------------------------------------------------------------

# Of our coordinator id and another log, prepared by somebody long ago.
strangers_branch()
{
    sql n2 "CREATE DATABASE IF NOT EXISTS fencing; CREATE TABLE IF NOT EXISTS fencing.t (a INT) ENGINE = InnoDB;
            XA START 'xa1.xatop.$foreign.00000001.000000000001','b1',1482773616; INSERT INTO fencing.t VALUES (1);
            XA END 'xa1.xatop.$foreign.00000001.000000000001','b1',1482773616;
            XA PREPARE 'xa1.xatop.$foreign.00000001.000000000001','b1',1482773616"
}
stranger_is_there() { sql n2 'XA RECOVER' | grep "$foreign"; }

in_the_middle_of_load()
{
    local i before state=$XATOP_STATE states=("$XATOP_STATE") old old_err begun times=
    strangers_branch && before=$(stranger_is_there) && load_starts "$state" "$tmp/load0" || return
    for i in $(seq "$rounds"); do
        old=$load_pid old_err=$tmp/load$((i - 1)).err
        copy_of "$state" "state$i" || return
        [ $((i % 2)) = 1 ] || kill -STOP "$old"
        state=$tmp/state$i
        states+=("$state")
        begun=$(now_ms)
        load_starts "$state" "$tmp/load$i" --take-over "round $i" || return
        times="$times $(($(now_ms) - begun))"
        kill -CONT "$old"
        local new=$load_pid
        load_pid=$old
        load_is_over 7 "$old_err" 'has taken over on' || return
        load_pid=$new
        must_equal "$before" "$(stranger_is_there)" "the branch of another log after round $i" || return
    done
    kill -TERM "$load_pid" && load_is_over 0 "$tmp/load$rounds.err" '' || return
    printf '# ms from the start of the claim to its first commits: %s\n' "$times" >&3
    by_hand=0
    finish_by_hand "${states[@]}" || return
    printf '# %s branches were left to people\n' "$by_hand" >&3
    must_equal "$before" "$(stranger_is_there)" 'the branch of another log' || return
    must_exit 0 at "$state" "$XATOP" --json audit && must_be '[true,[]]' '[.ok,.torn]' || return
    sql n2 "XA ROLLBACK 'xa1.xatop.$foreign.00000001.000000000001','b1',1482773616" && back && recovers
}

# --- a session that does not die -----------------------------------------------------------------------------------------

# The server waits inside open(2) of a pipe, where no KILL reaches it. It ends in bounded time, with words, and later well.
stuck_session()
{
    local pipe=$tmp/pipe id begun
    mkfifo "$pipe" && chmod 666 "$pipe" || return
    sql n2 "CREATE DATABASE IF NOT EXISTS xatop_stuck; CREATE TABLE IF NOT EXISTS xatop_stuck.t (a INT) ENGINE = InnoDB; GRANT FILE ON *.* TO xatop@localhost" || return
    MYSQL_PWD=$app2 "$client" --no-defaults --loose-skip-ssl -uxatop -S "$(jq -r '.nodes[1].socket' <<<"$nodes")" -e "LOAD DATA INFILE '$pipe' INTO TABLE xatop_stuck.t" >/dev/null 2>&1 &
    local reader=$!
    await 5 'it stands in the pipe' sql_finds "SELECT id FROM information_schema.processlist WHERE info LIKE 'LOAD DATA%'" || return
    id=$found
    sql n2 "INSERT INTO xatop.xa_session SELECT 'xatop', $id, UNIX_TIMESTAMP() - VARIABLE_VALUE, 1, 1, NOW(3) FROM information_schema.global_status WHERE VARIABLE_NAME = 'UPTIME'" || return
    begun=$(now_ms)
    must_exit 4 xatop transfer --from 1023 --to 1024 --amount 1 || return
    printf '# given up after %s ms\n' $(($(now_ms) - begun)) >&3
    case $err in *"session $id was killed and does not leave the process list"*) ;; *) echo "$err"; return 1 ;; esac
    : >"$pipe"
    wait "$reader"
    sql n2 'REVOKE FILE ON *.* FROM xatop@localhost'
    must_exit 0 xatop transfer --from 1023 --to 1024 --amount 1 && recovers
}
sql_finds() { found=$(sql n2 "$1") && [ -n "$found" ]; }

old_schema()
{
    sql n1 'DROP TABLE xatop.xa_place' || return
    must_exit 4 xatop transfer --from 1023 --to 1024 --amount 1 || return
    case $err in *'without xa_place'*'xatop setup'*) ;; *) echo "$err"; return 1 ;; esac
    must_exit 0 xatop -q setup && must_exit 0 xatop transfer --from 1023 --to 1024 --amount 1
}

if ! lab mysql mariadb; then
    skip "$pair: fencing" 'a server is missing here'
    finish
fi
exec 3>&1
expect_exit 0 "$pair: setup" "$XATOP" -q setup || finish
must_exit 0 xatop --json nodes list
nodes=$out
port1=$(jq -r '.nodes[0].port' <<<"$out") port2=$(jq -r '.nodes[1].port' <<<"$out")
app1=$(cat "$XATOP_STATE/nodes/n1/app.password") app2=$(cat "$XATOP_STATE/nodes/n2/app.password")
here 'a copy and an empty state are refused beside the one at work' beside_running
here 'and beside a frozen one' beside_frozen
here 'and where it has sessions on one node only' beside_frozen_on_one_node
here 'a late PREPARE reaches no node after a take-over' late_prepare
here 'a late COMMIT reaches no node, and what the copy does not know is not aborted' late_commit
here 'an empty state takes over, and finishes nothing of the other log' empty_takes_over
here 'a node that is away is taken when it is back' one_node_is_away
printf '# take-over by xatop recover, ms:%s\n' "$took"
if [ -n "${XATOP_SOAK-}" ]; then
    here "$rounds take-overs in the middle of load" in_the_middle_of_load
else
    skip "$pair: take-overs in the middle of load" 'not yet seen to pass to its end: XATOP_SOAK=1 runs it'
fi
here 'a session that does not die is waited for no longer than the fence time' stuck_session
here 'an older schema is told what to do' old_schema
expect_exit 0 "$pair: stop" "$XATOP" nodes stop
finish
