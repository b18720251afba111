#!/bin/bash
# The lab's private servers, on real MariaDB and real MySQL, through the lab's own interface.
# shellcheck shell=bash disable=SC2015
. "${srcdir:-.}/tests/lib/sh.sh"

labctl=${builddir:-.}/tests/lib/labctl
[ -x "$labctl" ] || make -s -C "${builddir:-.}" tests/lib/labctl >/dev/null || exit 99
work=${XATOP_TMP:-$(mktemp -d "${TMPDIR:-/tmp}/lab.XXXXXX")}
state=$work/state
long_state=$work/$(printf 'deep%.0s' $(seq 30))

lab() { "$labctl" "$state" "$@"; }
# field NODE NUMBER: of what labctl prints (1 name, 2 state, 3 make, 4 port, 5 pid, 6 socket, 7 defaults, 8 log, 9 user, 10 password)
field() { lab status "$1" | cut -d' ' -f"$2"; }
state_is() { [ "$(field "$1" 2)" = "$2" ] || { lab status "$1"; return 1; }; }
admin() { mysql --defaults-file="$(field "$1" 7)" -N -B -e "$2"; }
app()
{
    MYSQL_PWD=$(cat "$(field "$1" 10)") mysql --no-defaults -h 127.0.0.1 -P "$(field "$1" 4)" -u "$(field "$1" 9)" -N -B -e "$2"
}
# The servers whose command line names node a's data.
servers_of_a() { grep -lzxF -- "--datadir=$state/nodes/a/data" /proc/[0-9]*/cmdline 2>/dev/null; }

# A zombie counts as gone: init does not reap in every container.
gone() { ! [ -d "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status"; }

cleanup()
{
    local name
    for name in a b c deep; do
        "$labctl" "$state" kill $name >/dev/null 2>&1
        "$labctl" "$long_state" kill $name >/dev/null 2>&1
    done
    [ -n "${XATOP_TMP-}" ] || rm -rf "$work"
}
trap cleanup EXIT

first_start()
{
    local begun
    begun=$(date +%s%N)
    lab start "a:$1" "b:$2" || return
    echo "# two nodes ($1, $2), first start to ready: $((($(date +%s%N) - begun) / 1000000)) ms" >&3
    state_is a up && state_is b up && [ "$(field a 4)" != "$(field b 4)" ]
}

# What only we may see: directories, passwords, and no password anywhere but in its file.
is_private()
{
    local secret files file
    [ "$(stat -c %a "$state/nodes")" = 700 ] && [ "$(stat -c %a "$state/nodes/a")" = 700 ] || return
    for file in "$(field a 7)" "$(field a 10)" "$state/nodes/a/record" "$state/nodes/a/pid"; do
        [ "$(stat -c %a "$file")" = 600 ] || { echo "$file: $(stat -c %a "$file")"; return 1; }
    done
    for secret in "$state/nodes/a/app.password" "$state/nodes/a/admin.password"; do
        files=$(grep -rlF "$(cat "$secret")" "$state/nodes/a" | grep -v -e "$secret" -e /admin.cnf)
        [ -z "$files" ] || { echo "the password of $secret is in $files"; return 1; }
        ! tr '\0' '\n' <"/proc/$(field a 5)/cmdline" | grep -qF "$(cat "$secret")" || return
    done
}

# The settings the coordinator rests on, and accounts that work and are the only ones.
is_set_up()
{
    local binlog=0 accounts
    [ "$1" = mariadb ] || binlog=1
    accounts=$(admin a "SELECT CONCAT(user, '@', host) FROM mysql.user
        WHERE user NOT LIKE 'mysql.%' AND user <> 'mariadb.sys' ORDER BY 1" | tr '\n' ' ')
    [ "$accounts" = 'root@localhost xatop@127.0.0.1 xatop@localhost ' ] || { echo "accounts: $accounts"; return 1; }
    [ "$(admin a 'SELECT @@innodb_flush_log_at_trx_commit, @@log_bin, @@bind_address')" = "1	$binlog	127.0.0.1" ] || return
    [ "$(app a 'SELECT CURRENT_USER()')" = xatop@127.0.0.1 ] || return
    app a "CREATE TABLE xatop.t (i INT PRIMARY KEY) ENGINE=InnoDB; XA START 'x'; INSERT INTO xatop.t VALUES (1); XA END 'x';
        XA PREPARE 'x'" && app a 'XA RECOVER' | grep -q x && app a "XA ROLLBACK 'x'; DROP TABLE xatop.t"
}

no_password_is_refused()
{
    ! mysql --no-defaults -S "$(field a 6)" -u root -e 'SELECT 1' 2>/dev/null &&
        ! mysql --no-defaults -S "$(field a 6)" -u nobody -e 'SELECT 1' 2>/dev/null &&
        ! mysql --no-defaults -h 127.0.0.1 -P "$(field a 4)" -u xatop -e 'SELECT 1' 2>/dev/null
}

double_start()
{
    local pid
    pid=$(field a 5)
    lab start a && lab start a b && [ "$(field a 5)" = "$pid" ]
}

# Two starts at once of a node that is down: one server.
racing_starts()
{
    local first
    lab stop a || return
    lab start a &
    first=$!
    lab start a && wait $first && state_is a up && [ "$(servers_of_a | wc -l)" = 1 ]
}

# labctl has ended long ago: the server belongs to nobody, has a session of its own, no terminal, and none of our files.
survives()
{
    local pid
    pid=$(field a 5)
    admin a 'SELECT 1' && [ "$(ps -o sid= -p "$pid" | tr -d ' ')" = "$pid" ] && [ "$(ps -o tty= -p "$pid" | tr -d ' ')" = '?' ] &&
        [ -z "$(find "/proc/$pid/fd" -lname "$state/nodes/a/lock")" ]
}

kill_and_start()
{
    local pid
    pid=$(field a 5)
    app a "CREATE TABLE IF NOT EXISTS xatop.t (i INT PRIMARY KEY) ENGINE=InnoDB; XA START 'k'; INSERT INTO xatop.t VALUES (2);
        XA END 'k'; XA PREPARE 'k'" && lab kill a && state_is a down && gone "$pid" && ! lab kill a &&
        lab start a && state_is a up && [ "$(field a 5)" != "$pid" ] &&
        app a 'XA RECOVER' | grep -q k && app a "XA ROLLBACK 'k'"
}

# Killed by somebody else: the record names a pid that is gone, the socket and its lock are still there.
killed_behind_our_back()
{
    local pid
    pid=$(field a 5)
    [ "$pid" -gt 1 ] && kill -KILL "$pid" && await 10 'the server is gone' state_is a down && lab start a && state_is a up
}

freeze_and_thaw()
{
    lab freeze a && state_is a frozen && grep -q '^State:.T (stopped)' "/proc/$(field a 5)/status" &&
        ! lab start a && state_is a frozen && lab thaw a && state_is a up && admin a 'SELECT 1'
}

stop_when_frozen() { lab freeze a && lab stop a && state_is a down && lab stop a; }

restart()
{
    local pid port
    pid=$(field a 5) port=$(field a 4)
    lab restart a && state_is a up && [ "$(field a 5)" != "$pid" ] && [ "$(field a 4)" = "$port" ]
}

failing_start()
{
    local said
    lab stop a || return
    if said=$(lab start a -- --no-such-option=3 2>&1); then echo 'it started'; return 1; fi
    printf '%s\n' "$said"
    grep -q "labctl: node a: the server did not start: .*no-such-option=3" <<<"$said" && state_is a down && lab start a
}

# The starter is killed in the middle: the next start takes over what is there.
starter_dies()
{
    local starter
    lab stop a || return
    lab start a &
    starter=$!
    await 10 'the server process is there' servers_of_a || return
    kill -KILL $starter
    wait $starter 2>/dev/null
    lab start a && state_is a up && [ "$(servers_of_a | wc -l)" = 1 ]
}

# The same while the data directory is made: it is made anew, and the first initialiser does not disturb it.
maker_dies()
{
    local starter
    lab start "c:$1" &
    starter=$!
    await 20 'data.tmp is there' test -e "$state/nodes/c/data.tmp/ibdata1" || return
    kill -KILL $starter
    wait $starter 2>/dev/null
    lab start "c:$1" && app c 'SELECT 1' && lab stop c && [ ! -e "$state/nodes/c/data.tmp" ]
}

lost_pid_record()
{
    rm "$state/nodes/a/pid" && lab start a && state_is a up && rm "$state/nodes/a/pid" && lab stop a &&
        ! servers_of_a && lab start a
}

lost_password() { lab stop a && rm "$state/nodes/a/app.password" && lab start a && app a 'SELECT 1'; }

deep() { "$labctl" "$long_state" "$@" deep; }
deep_field() { deep status | cut -d' ' -f"$1"; }
long_path()
{
    local socket
    "$labctl" "$long_state" start "deep:$1" || return
    socket=$(deep_field 6)
    [ ${#socket} -le 107 ] && [ "$(stat -c %a "$(dirname "$socket")")" = 700 ] &&
        mysql --defaults-file="$(deep_field 7)" -e 'SELECT 1' &&
        deep stop && rm -r "$(dirname "$socket")" && deep start && deep stop && rm -r "$(dirname "$(deep_field 6)")"
}

port_in_use()
{
    local said port
    port=$(field a 4)
    said=$(lab start "d:$1:$port" 2>&1) && return 1
    grep -q "port $port is in use by something else" <<<"$said"
}

make_is_fixed()
{
    local said
    said=$(lab start a:mysql 2>&1) && return 1
    grep -q 'made with MariaDB, but MySQL is wanted' <<<"$said" && state_is a up
}

# Not as root: another user, who must be able to reach the program and the server.
ordinary_user()
{
    local home user='setpriv --reuid=65534 --regid=65534 --clear-groups env -u XATOP_MYSQLD -u XATOP_MARIADBD'
    home=$(mktemp -d "${TMPDIR:-/tmp}/lab-user.XXXXXX") && cp "$labctl" "$home" && chown 65534 "$home" || return
    $user "$home/labctl" "$home/state" start a:mariadb && [ "$(ps -o uid= -p "$(cut -d= -f2 "$home/state/nodes/a/pid" |
        head -n 1)" | tr -d ' ')" = 65534 ] && $user mysql --defaults-file="$home/state/nodes/a/admin.cnf" -e 'SELECT 1' &&
        $user "$home/labctl" "$home/state" stop a && rm -r "$home"
}

# The shell stays between: the server is the one that is recorded and killed.
wrapper_that_forks()
{
    printf '#!/bin/sh\n%s "$@"\nexit $?\n' "$(lab detect | grep ^mariadb | head -n 1 | cut -d' ' -f3)" >"$work/forks"
    chmod 755 "$work/forks"
    lab start "c:$work/forks" && [ "$(field c 5)" = "$(cat "$state/nodes/c/server.pid")" ] && lab kill c &&
        await 10 'the wrapper ends too' no_server_of c && state_is c down
}
no_server_of() { ! grep -qlzxF -- "--datadir=$state/nodes/$1/data" /proc/[0-9]*/cmdline; }

list() { [ "$(lab list | cut -d' ' -f1,2 | tr '\n' ' ')" = 'a up b up ' ]; }

start_again() { lab stop a && lab stop b && lab start a b && list; }

run_on()
{
    local make=$1
    rm -rf "$state" "$long_state"
    run_test "$make: two nodes are made and started side by side" first_start "$make" "$make"
    run_test "$make: settings, accounts and grants" is_set_up "$make"
    run_test "$make: nobody gets in without a password" no_password_is_refused
    run_test "$make: directories and passwords are private" is_private
    run_test "$make: both are listed" list
    run_test "$make: the server survives the program, in a session of its own" survives
    run_test "$make: a second start is harmless" double_start
    run_test "$make: two starts at once make one server" racing_starts
    run_test "$make: kill, start again, the prepared branch is back" kill_and_start
    run_test "$make: killed by somebody else, started again" killed_behind_our_back
    run_test "$make: freeze and thaw" freeze_and_thaw
    run_test "$make: a frozen server is stopped cleanly" stop_when_frozen
    run_test "$make: stopped nodes start again" start_again
    run_test "$make: restart keeps the port" restart
    run_test "$make: a failed start shows the server's own words" failing_start
    run_test "$make: the starter dies, the next start takes over" starter_dies
    run_test "$make: the maker dies, the data is made anew" maker_dies "$make"
    run_test "$make: a server is found without its pid record" lost_pid_record
    run_test "$make: a lost password file is made anew" lost_password
    run_test "$make: a port in use is said" port_in_use "$make"
    run_test "$make: a long state path gets a short socket" long_path "$make"
    lab kill a
    lab kill b
}

exec 3>&1
for make in mariadb mysql; do
    if lab detect | grep -q "^$make "; then
        run_on $make
    else
        skip "the lab on $make" "no $make server on this machine"
    fi
done
if [ "$(lab detect | cut -d' ' -f1 | sort -u | wc -l)" = 2 ]; then
    rm -rf "$state" "$long_state"
    run_test 'one node of each make, side by side' first_start mariadb mysql
    run_test 'the make of a node is fixed' make_is_fixed
    run_test 'a wrapper that forks' wrapper_that_forks
else
    skip 'one node of each make' 'only one make on this machine'
fi
if [ "$(id -u)" != 0 ]; then
    skip 'as an ordinary user' 'all of the above ran as one'
elif [ ! -x /usr/sbin/mariadbd ]; then
    skip 'as an ordinary user' 'no MariaDB server that another user can run'
else
    run_test 'an ordinary user has a lab too' ordinary_user
fi
finish
