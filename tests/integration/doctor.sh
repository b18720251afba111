#!/bin/bash
# doctor on real servers: a clean lab has no fault; every fault set by hand is found, and the SQL that is printed mends it; a
# coordinator refuses an unfit node, at start and while it runs; and with the refusal overridden the audit sees the damage.
. "${srcdir:-.}/tests/lib/sh.sh"
. "${srcdir:-.}/tests/lib/cli.sh"

json() { jq -rc "$1" <<<"$expect_out"; }
check() { json ".nodes[] | select(.name == \"$1\") | .checks[] | select(.name == \"$2\") | .$3"; }
doctor() { "$XATOP" --json doctor; }
transfer() { "$XATOP" --json "$@" transfer --from 1001 --to 1002 --amount 1; }
has_said() { grep -q "$1" "$XATOP_STATE/xatop.log"; }
balances() { sql n1 'SELECT SUM(balance) FROM xatop.accounts' && sql n2 'SELECT SUM(balance) FROM xatop.accounts'; }

# found NODE CHECK LEVEL SQL...: after each SQL the check has that level and nothing else is worse; its own SQL mends it.
found()
{
    local node=$1 check=$2 level=$3 code=0 fix name
    shift 3
    name="$node: $check: $level"
    for statement in "$@"; do
        sql "$node" "$statement" || { not_ok "$name: set" "$statement"; return; }
    done
    [ "$level" != fail ] || code=1
    expect_exit "$code" "$name: exit" doctor || return
    [ "$(check "$node" "$check" level)" = "$level" ] && [ "$(json .worst)" = "$level" ] &&
        [ "$(json '[.nodes[].checks[] | select(.level == "fail" or .level == "warn")] | length')" = 1 ] &&
        ok "$name: found, and nothing else" || not_ok "$name: found, and nothing else" "$expect_out"
    [ -n "$(check "$node" "$check" reason)" ] && ok "$name: why" || not_ok "$name: why" "$expect_out"
    fix=$(check "$node" "$check" fix)
    [ -n "$fix" ] && sql "$node" "$fix" && ok "$name: the SQL runs" || not_ok "$name: the SQL runs" "$fix"
    expect_exit 0 "$name: mended: exit" doctor
    [ "$(check "$node" "$check" level)" = ok ] && ok "$name: the SQL mends it" || not_ok "$name: the SQL mends it" "$expect_out"
}

both_hosts() { printf "%s FROM 'xatop'@'localhost'\n%s FROM 'xatop'@'127.0.0.1'\n" "$1" "$1"; }

revoked()
{
    local node=$1 check=$2 level=$3 right=$4 statements
    mapfile -t statements < <(both_hosts "REVOKE $right")
    found "$node" "$check" "$level" "${statements[@]}"
    # the account of the other address too, for what comes after
    sql "$node" "GRANT $right TO 'xatop'@'localhost'; GRANT $right TO 'xatop'@'127.0.0.1'"
}

faults_are_found()
{
    local node
    for node in n1 n2; do
        found $node innodb_flush_log_at_trx_commit fail 'SET GLOBAL innodb_flush_log_at_trx_commit = 0'
        found $node innodb_flush_log_at_trx_commit fail 'SET GLOBAL innodb_flush_log_at_trx_commit = 2'
        found $node read_only fail 'SET GLOBAL read_only = 1'
        found $node max_connections warn 'SET GLOBAL max_connections = 20'
        revoked $node process warn 'PROCESS ON *.*'
        revoked $node grants fail 'UPDATE, DELETE ON `xatop`.*'
        found $node engine fail 'ALTER TABLE xatop.xa_key ENGINE = MyISAM'
    done
    found n1 engine fail 'ALTER TABLE xatop.accounts DROP CONSTRAINT accounts_not_overdrawn, ENGINE = Aria'
    sql n1 'ALTER TABLE xatop.accounts ADD CONSTRAINT accounts_not_overdrawn CHECK (balance >= 0)'
    found n2 sync_binlog fail 'SET GLOBAL sync_binlog = 0'
    found n2 read_only fail 'SET GLOBAL super_read_only = 1'
    found n2 xa_detach_on_prepare warn 'SET GLOBAL xa_detach_on_prepare = OFF'
    revoked n2 xa_recover fail 'XA_RECOVER_ADMIN ON *.*'
}

rights_through_a_role()
{
    sql n2 "REVOKE ALL PRIVILEGES ON xatop.* FROM 'xatop'@'localhost'; REVOKE ALL PRIVILEGES ON xatop.* FROM 'xatop'@'127.0.0.1';
        CREATE ROLE teller; GRANT ALL PRIVILEGES ON xatop.* TO teller; GRANT teller TO 'xatop'@'localhost', 'xatop'@'127.0.0.1';
        SET DEFAULT ROLE teller TO 'xatop'@'localhost', 'xatop'@'127.0.0.1'"
    expect_exit 0 'rights that come with a role are rights' doctor
    expect_exit 0 'and are enough for a transfer' transfer
    sql n2 "DROP ROLE teller; GRANT ALL PRIVILEGES ON xatop.* TO 'xatop'@'localhost'; GRANT ALL PRIVILEGES ON xatop.* TO 'xatop'@'127.0.0.1'"
}

a_missing_table()
{
    sql n1 'CREATE TABLE xatop.kept LIKE xatop.xa_folded; DROP TABLE xatop.xa_folded'
    expect_exit 1 'a missing table' doctor
    is 'a missing table: which' 'without xa_folded' '.nodes[0].checks[] | select(.name == "schema") | .value'
    expect_exit 0 'a missing table: init mends it' "$XATOP" -q init
    expect_exit 0 'a missing table: mended' doctor
    sql n1 'DROP TABLE xatop.kept'
}

words_for_people()
{
    sql n2 'SET GLOBAL sync_binlog = 0'
    expect_exit 1 'words for people' "$XATOP" doctor
    grep -qx '  fail  sync_binlog  *0' <<<"$expect_out" && grep -qx ' *SET GLOBAL sync_binlog = 1;' <<<"$expect_out" &&
        ok 'words for people: level, and the SQL on its own line' || not_ok 'words for people: level, and the SQL on its own line' "$expect_out"
    case $expect_out in *$'\e'*) not_ok 'words for people: no colour in a file' ;; *) ok 'words for people: no colour in a file' ;; esac
    case $expect_err in "xatop: doctor: node n2: sync_binlog is 0: "*) ok 'words for people: the error' ;; *) not_ok 'words for people: the error' "$expect_err" ;; esac
    sql n2 'SET GLOBAL sync_binlog = 1'
}

# One that does not answer costs its own answer only.
nodes_that_are_away()
{
    local how
    for how in kill freeze; do
        "$XATOP" -q nodes $how n1
        expect_exit 4 "after $how" doctor
        [ "$(check n1 reached level)" = fail ] && [ "$(json '.nodes[0].checks | length')" = 1 ] &&
            [ "$(json .ok)" = false ] && ok "after $how: it is told" || not_ok "after $how: it is told" "$expect_out"
        [ "$(check n2 innodb_flush_log_at_trx_commit level)" = ok ] && ok "after $how: the other is examined" ||
            not_ok "after $how: the other is examined" "$expect_out"
        "$XATOP" -q nodes thaw n1 2>/dev/null
        "$XATOP" -q nodes start n1
    done
}

# twice DATABASE COMMAND...: n1's server as both nodes, the second with that database; a state of its own.
twice()
{
    local port secret database=$1
    shift
    port=$("$XATOP" --json nodes list | jq -r '.nodes[0].port')
    secret=$(cat "$XATOP_STATE/nodes/n1/app.password")
    env DB1_HOST=127.0.0.1 DB1_PORT="$port" DB1_PASSWORD="$secret" DB1_DATABASE=xatop_a DB2_HOST=127.0.0.1 DB2_PORT="$port" \
        DB2_PASSWORD="$secret" DB2_DATABASE="$database" XATOP_CONFIG= "$XATOP" --state "$tmp/twice" "$@"
}

one_server_twice()
{
    expect_exit 0 'one server twice: init' twice xatop_b -q init
    expect_exit 0 'one server, two databases' twice xatop_b --json doctor
    is 'one server, two databases: a warning' warn '.nodes[1].checks[] | select(.name == "server") | .level'
    expect_exit 0 'one server, two databases: works' twice xatop_b transfer --from 1001 --to 1002 --amount 1
    expect_exit 1 'one database twice' twice xatop_a --json doctor
    is 'one database twice: both are told' '["fail","fail"]' '[.nodes[].checks[] | select(.name == "server") | .level]'
    expect_exit 4 'one database twice: no transfer' twice xatop_a transfer --from 1001 --to 1002 --amount 1
    case $expect_err in *'is unfit: server is '*'the same database as node'*) ok 'one database twice: says why' ;; *) not_ok 'one database twice: says why' "$expect_err" ;; esac
}

a_coordinator_refuses()
{
    local before
    sql n2 'SET GLOBAL innodb_flush_log_at_trx_commit = 2'
    before=$(balances)
    expect_exit 4 'an unfit node: no transfer' transfer
    is 'an unfit node: nothing happened' aborted .outcome
    [ "$(balances)" = "$before" ] && ok 'an unfit node: no money moved' || not_ok 'an unfit node: no money moved'
    case $expect_err in
    *'node n2 is unfit: innodb_flush_log_at_trx_commit is 2: '*'; see xatop doctor, or --unsafe') ok 'an unfit node: says why and what to do' ;;
    *) not_ok 'an unfit node: says why and what to do' "$expect_err" ;;
    esac
    expect_exit 0 'an unfit node does not hinder work elsewhere' "$XATOP" transfer --from 1001 --to 1003 --amount 1
    expect_exit 4 'an unfit node: no recovery there' "$XATOP" --json recover
    is 'an unfit node: recover names it' '["n2"]' .unreachable
    expect_exit 0 '--unsafe lets it run' transfer --unsafe
    has_said '\-\-unsafe, n2 is used: innodb_flush_log_at_trx_commit is 2' && ok '--unsafe is an alarm' || not_ok '--unsafe is an alarm'
    sql n2 'SET GLOBAL innodb_flush_log_at_trx_commit = 1'
    expect_exit 0 'mended, it runs' transfer
}

# A branch that was decided is held on n2 while the settings change under the running coordinator.
a_running_coordinator_notices()
{
    local pid ids
    : >"$XATOP_STATE/xatop.log"
    "$XATOP" -q --wait 60 transfer --from 1001 --to 1002 --amount 1 --fault delay=12000@commit.sent:n2 &
    pid=$!
    is_prepared() { [ -n "$(sql n2 'XA RECOVER')" ]; }
    await 10 'a prepared branch' is_prepared || not_ok 'a branch is held'
    sql n2 'SET GLOBAL sync_binlog = 0'
    await 5 'the change is seen' has_said 'n2 is unfit: sync_binlog is 0' && ok 'a changed setting is noticed' || not_ok 'a changed setting is noticed'
    sql n2 'SET GLOBAL sync_binlog = 1'
    await 5 'the mending is seen' has_said 'n2: mended: sync_binlog is 1' && ok 'so is its mending' || not_ok 'so is its mending'
    # what no sample looks at is looked at on a new control connection
    sql n1 'ALTER TABLE xatop.xa_initial ENGINE = Aria'
    ids=$(sql n1 "SELECT id FROM information_schema.processlist WHERE user = 'xatop'")
    for id in $ids; do sql n1 "KILL $id"; done 2>/dev/null
    await 5 'the reconnect looks' has_said 'n1 is unfit: engine is xa_initial: Aria' && ok 'a reconnect checks anew' || not_ok 'a reconnect checks anew'
    wait "$pid" && ok 'what was in flight is finished' || not_ok 'what was in flight is finished' "exit $?"
    sql n1 'ALTER TABLE xatop.xa_initial ENGINE = InnoDB'
    expect_exit 0 'and nothing is left over' "$XATOP" --json recover
}

# acknowledged_then_killed FLUSH: three acknowledged transfers, then n1 is killed at once. The audit's exit code.
acknowledged_then_killed()
{
    sql n1 "SET GLOBAL innodb_flush_log_at_trx_commit = $1"
    for _ in 1 2 3; do
        "$XATOP" -q --unsafe transfer --from 1001 --to 1002 --amount 1 --wire packet || return
    done
    "$XATOP" -q nodes kill n1 && "$XATOP" -q nodes start n1 && "$XATOP" -q recover
    expect_out=$("$XATOP" --json audit 2>/dev/null)
}

# Last of all: the damage stays.
the_audit_sees_the_damage()
{
    local tries=0 limit=20 code
    for _ in 1 2 3 4 5; do
        acknowledged_then_killed 1 || not_ok 'flush_log 1: nothing acknowledged is lost' "$expect_out"
    done
    is 'flush_log 1: nothing acknowledged is lost' true .ok
    while [ $tries -lt $limit ]; do
        tries=$((tries + 1)) code=0
        acknowledged_then_killed 0 || code=$?
        [ "$code" = 0 ] || break
    done
    [ "$code" = 5 ] && [ "$(json '.torn | length')" -gt 0 ] && ok 'flush_log 0 and --unsafe: the audit exits 5 on torn money' ||
        not_ok 'flush_log 0 and --unsafe: the audit exits 5 on torn money' "exit $code after $tries tries: $expect_out"
    printf '# damage after %s of at most %s tries: %s torn, money %s\n' $tries $limit "$(json '.torn | length')" "$(json .money)"
}

if ! lab mariadb mysql; then
    skip 'doctor on real servers' 'MariaDB or MySQL is missing here'
    finish
fi
is() { local got; got=$(json "$3"); if [ "$got" = "$2" ]; then ok "$1"; else not_ok "$1" "$3 is '$got', expected '$2' in $expect_out"; fi; }
expect_exit 0 'setup' "$XATOP" -q setup || finish
expect_exit 0 'a clean lab' doctor
is 'a clean lab: ok' '[true,"note"]' '[.ok,.worst]'
is 'a clean lab: every check on every node' '[18,18]' '[.nodes[].checks | length]'
is 'a clean lab: MariaDB without binary log is told' note '.nodes[0].checks[] | select(.name == "log_bin") | .level'
faults_are_found
rights_through_a_role
a_missing_table
words_for_people
nodes_that_are_away
one_server_twice
a_coordinator_refuses
a_running_coordinator_notices
expect_exit 0 'audit before the damage' "$XATOP" -q audit
the_audit_sees_the_damage
finish
