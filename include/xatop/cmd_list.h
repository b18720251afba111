/* The commands of the command line: one row = one file src/cmd/cmd_NAME.c with cmd_NAME_options and cmd_NAME.
 * name, usage, flags, help */
#ifndef XATOP_CMD_LIST_H
#define XATOP_CMD_LIST_H

#define XATOP_CMD_LIST(X)                                                                                   \
    X(setup, "setup", CMD_NODES, "start the lab nodes, create schema and sample data; harmless when repeated") \
    X(nodes, "nodes [list] | nodes start|stop|restart|kill|freeze|thaw [NAME...]", CMD_ARGUMENTS,            \
      "the lab's private servers; kill is SIGKILL, freeze and thaw are SIGSTOP and SIGCONT")                \
    X(link, "link [NODE [WORD...]]", CMD_ARGUMENTS,                                                           \
      "the links to lab nodes: cut, delay, throttle, reset, heal; words add up until heal")                 \
    X(init, "init [--reset] [--yes] [--accounts N] [--products N] [--balance X]", CMD_NODES,                \
      "schema and sample data only, for servers that are not our own")                                      \
    X(transfer, "transfer --from A --to B --amount X [--id KEY]", CMD_NODES, "one bank transfer")          \
    X(order, "order --product P --quantity Q --customer C [--id KEY]", CMD_NODES,                          \
      "one inventory order: stock on one node, order and payment on another")                               \
    X(show, "show GTRID", CMD_NODES | CMD_ARGUMENTS,                                                        \
      "what became of one transaction: log, markers, branches on every node")                               \
    X(status, "status", CMD_NODES, "nodes, decision log, in doubt and audit in short")                     \
    X(audit, "audit", CMD_NODES, "every invariant of every scenario, while work goes on")                  \
    X(log, "log [--file FILE]", CMD_JSON_LINES, "the decision log in words")                                \
    X(recover, "recover [--dry-run]", CMD_NODES,                                                            \
      "one recovery pass: every prepared branch with its verdict and the rule that gave it")                \
    X(indoubt, "indoubt [list] | indoubt commit|rollback XID --reason TEXT | indoubt forget XID",           \
      CMD_NODES | CMD_ARGUMENTS, "branches nobody has finished; finishing one by hand")                     \
    X(play, "play FILE", CMD_ARGUMENTS | CMD_JSON_LINES,                                                     \
      "a scenario file: commands and faults, a line each (say WORDS, pause, expect EXIT-CODE COMMAND)")     \
    X(doctor, "doctor", CMD_NODES,                                                                          \
      "preflight of every node, with the SQL that mends it; exit 1: a check fails, 4: a node cannot be reached") \
    X(chaos, "chaos [--seed N] [--duration S] [--fault SPEC...] [--availability] [--plan]", CMD_NODES | CMD_ARGUMENTS,      \
      "load on lab nodes, faults drawn from the seed, recovery, audit; fails on anything torn")           \
    X(demo, "demo [--pause]", CMD_NODES,                                                                    \
      "a told tour on real nodes: commit, refusal, a node killed in doubt, recovery, audit")

/* long name, name as typed, letter (0: none), kind, argument, help */
#define XATOP_GLOBAL_OPTION_LIST(X)                                                                         \
    X(config, "config", 'c', STRING, "FILE",                                                                          \
      "configuration (default: $XATOP_CONFIG, ./xatop.conf, $XDG_CONFIG_HOME/xatop/xatop.conf, a lab of two nodes)") \
    X(state, "state", 0, STRING, "DIR", "state directory (default: $XATOP_STATE, else $XDG_STATE_HOME/xatop)")      \
    X(wait, "wait", 0, INT, "S", "how long to wait for phase two after the decision (default 10)")                 \
    X(wire, "wire", 0, WIRE, "MODE", "statement (one message per statement) or packet")                            \
    X(fault, "fault", 0, LIST, "SPEC", "arm a fault, KIND@POINT[:NODE][#NTH]; repeatable")                          \
    X(sim, "sim", 0, SEED, "[SEED]", "simulated nodes instead of servers (not in this version)")                                        \
    X(readonly, "readonly", 0, FLAG, "", "nothing that changes shared state")                                          \
    X(take_over, "take-over", 0, STRING, "REASON", "claim the coordinator id from another decision log")                \
    X(unsafe, "unsafe", 0, FLAG, "", "use nodes that the preflight refuses (xatop doctor); money can be lost")           \
    X(json, "json", 0, FLAG, "", "one JSON object on standard output, nothing else there")                         \
    X(verbose, "verbose", 'v', FLAG, "", "say more")                                                                   \
    X(quiet, "quiet", 'q', FLAG, "", "say only errors")                                                              \
    X(no_color, "no-color", 0, FLAG, "", "no colours")                                                                  \
    X(dump_config, "dump-config", 0, FLAG, "", "print the configuration that is in force, without passwords, and end")   \
    X(completion, "completion", 0, SHELL, "SHELL", "print the completion script for bash and end")                       \
    X(version, "version", 0, FLAG, "", "print the version and end")                                                    \
    X(help, "help", 'h', FLAG, "", "print help, of the command if one is named, and end")

#endif
