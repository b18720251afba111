# The console under tmux: a terminal of its own for each run, keys in, words out. Source it after cli.sh.
command -v tmux >/dev/null || { skip "the console under tmux" "no tmux here"; finish; }
command -v script >/dev/null || { skip "the console under tmux" "no script(1) here"; finish; }
ulimit -c 0
unset TMUX NO_COLOR

# --- a terminal -----------------------------------------------------------------------------
term() { tmux -L "xatop-$$" -f /dev/null "$@"; }
trap 'term kill-server 2>/dev/null; stop_labs' EXIT

# The terminal's settings before and after, and the exit code, as the last line of the pane.
cat >"$tmp/pane" <<'END'
before=$(stty -g)
"$@"
code=$?
[ "$(stty -g)" = "$before" ] && tty=same || tty=changed
echo "console-end $code tty-$tty"
exec cat
END

# What a test that failed left behind must not fail the next one too.
put_away()
{
    local pid
    term kill-session -t c 2>/dev/null
    if pid=$(pid) && ! await 3 "the last one is gone" gone "$pid" >/dev/null; then
        kill -KILL "$pid"
        await 3 "the last one is gone" gone "$pid"
    fi
    rm -f "$tmp/pid"
}

# open WIDTH HEIGHT COMMAND...: in a fresh pane; the program's pid lands in $tmp/pid.
open()
{
    local w=$1 h=$2
    shift 2
    put_away
    term has-session -t keep 2>/dev/null || term new-session -d -s keep cat # or the server would end with the last session
    # The server's environment is that of the first pane ever opened: this lab's must be said.
    term new-session -d -s c -x "$w" -y "$h" env LC_ALL="${locale-C.UTF-8}" XATOP_STATE="$XATOP_STATE" \
        XATOP_CONFIG="$XATOP_CONFIG" bash "$tmp/pane" "$@"
    term set -g status off
}
# The program itself, its pid kept.
printf '#!/bin/sh\necho $$ >"%s"\nexec "$@"\n' "$tmp/pid" >"$tmp/with-pid"
chmod 755 "$tmp/with-pid"
console() { local w=$1 h=$2; shift 2; open "$w" "$h" "$tmp/with-pid" "$@"; }
screen() { term capture-pane -p -t c; }
shows() { screen | grep -qE -- "$1"; }
hides() { ! shows "$1"; }
press() { local key; for key in "$@"; do term send-keys -t c "$key"; done; }
pid() { cat "$tmp/pid" 2>/dev/null; }
gone() { ! [ -d "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status"; }

# --- what the header says -------------------------------------------------------------------
committed() { screen | sed -nE '1s/.* (ok|committed) ([0-9]+) .*/\2/p'; }
header_clock() { screen | sed -nE '1s/.* ([0-9]{2}:[0-9]{2}:[0-9]{2}) *$/\1/p'; }
more_than() { local now; now=$(committed); [ -n "$now" ] && [ "$now" -gt "$1" ]; }
clock_is_not() { local now; now=$(header_clock); [ -n "$now" ] && [ "$now" != "$1" ]; }
# The clock moves on within 4 s: two refreshes, and patience for a busy machine.
lives() { await 4 "the clock goes on" clock_is_not "$(header_clock)"; }
goes_on() { await "${1:-10}" "more is committed" more_than "$(committed)"; }
up() { await 30 "both nodes are up" shows '2/2'; }
audit_fresh() { screen | head -n 1 | grep -qE ' OK  '; }

start() { console "$1" "$2" "$XATOP" "${@:3}"; await 30 "the console is up" shows '2/2'; }
ended() { await "${2:-30}" "the console ends" shows "^console-end $1 tty-same"; }
leave()
{
    press 0
    await 20 "all is finished" shows ' 0 unfinished'
    press q
    await 5 "it asks or ends" shows 'console-end|\(y/N\)' && { shows console-end || press y; }
    ended 0
}

# What a console left behind: the audit holds, nothing is pending, none of our branches is prepared.
nothing_left()
{
    local name=$1 branches
    expect_exit 0 "$name: recover" "$XATOP" --json recover || { echo "# $expect_err"; return; }
    is "$name: nothing is left unfinished" 0 .unfinished
    expect_exit 0 "$name: the audit holds" "$XATOP" --json audit
    is "$name: nothing is torn" '[]' .torn
    branches=$(sql n1 'XA RECOVER'; sql n2 'XA RECOVER')
    case $branches in *xa1.*) not_ok "$name: no branch is left" "$branches" ;; *) ok "$name: no branch is left" ;; esac
}
