/* What chaos does to a running system, one row a kind: chaos_plan.c draws when, chaos_hand.c (or the supervisor itself) does it.
 *
 * code, word, how many in a minute (at least one in any run), shortest and longest duration in ms, what it needs, what counts as
 * really hit. A gate's own kinds (crash, drop, ...) come from fault_kinds(): row GATE says how many. */
#ifndef XATOP_CHAOS_LIST_H
#define XATOP_CHAOS_LIST_H

enum chaos_need {
    CHAOS_PROCESS = 1, /* the lab node's process, for itself: one such fault at a time on a node */
    CHAOS_ADMIN = 2,   /* an administrator's session of a lab node */
    CHAOS_WORKER = 4,  /* the coordinator's process; no node */
    CHAOS_LINK = 8,    /* the node's link, for itself: one such fault at a time on a node */
};

#define XATOP_CHAOS_LIST(X)                                                                                 \
    X(KILL, "kill", 4, 50, 500, CHAOS_PROCESS, N_("a server ended by SIGKILL; it is started again"))         \
    X(FREEZE, "freeze", 30, 300, 1000, CHAOS_PROCESS, N_("a server stopped by SIGSTOP, for a while"))        \
    X(RESTART, "restart", 2, 0, 0, CHAOS_PROCESS, N_("a server that shut down cleanly; it is started again"))     \
    X(COORDINATOR, "coordinator", 14, 0, 0, CHAOS_WORKER, N_("the coordinator ended by SIGKILL"))            \
    X(GATE, "gate", 30, 0, 0, CHAOS_WORKER, N_("a fault armed at the gate (what fired is counted by its own kind)")) \
    X(LINK_CUT, "link_cut", 4, 300, 1500, CHAOS_LINK,                                                        \
      N_("a link cut in both directions, both ends half-open, while a coordinator used it"))                 \
    X(LINK_REPLY, "link_reply", 4, 200, 1000, CHAOS_LINK, N_("a link that lost every reply, and no request")) \
    X(LINK_DELAY, "link_delay", 4, 500, 2000, CHAOS_LINK, N_("a link that delayed, with jitter"))            \
    X(LINK_SLOW, "link_slow", 2, 500, 1500, CHAOS_LINK, N_("a link of a few kilobytes a second"))            \
    X(LINK_RESET, "link_reset", 5, 1000, 1000, CHAOS_LINK,                                                   \
      N_("a packet that ended in its middle, its session reset"))                                            \
    X(LOCK, "lock", 6, 300, 1500, CHAOS_ADMIN, N_("FLUSH TABLES WITH READ LOCK granted, for a while"))       \
    X(READ_ONLY, "read_only", 5, 300, 1500, CHAOS_ADMIN, N_("read_only switched on, for a while"))           \
    X(KILL_STORM, "kill_storm", 6, 200, 800, CHAOS_ADMIN, N_("sessions of our account ended by KILL"))       \
    X(DEADLOCK, "deadlock", 8, 300, 1500, CHAOS_ADMIN,                                                       \
      N_("a rival took accounts in the opposite order: it held all of them, or was the victim"))             \
    X(DDL, "ddl", 3, 0, 300, CHAOS_ADMIN, N_("ALTER TABLE on a business table done: an index, there and back"))

enum chaos_kind {
#define X(code, word, a_minute, min_ms, max_ms, needs, hit) CHAOS_##code,
    XATOP_CHAOS_LIST(X)
#undef X
    CHAOS_KINDS
};

#endif
