/* Every pane: code, function prefix (src/ui/pane_X.c), key, title, help. The order is that of Tab. */
#ifndef XATOP_PANE_LIST_H
#define XATOP_PANE_LIST_H

#define XATOP_PANE_LIST(X)                                                                                   \
    X(NODES, nodes, '1', "Nodes", "state, make, round trip, prepared branches, lock waits")                  \
    X(THROUGHPUT, throughput, '2', "Throughput", "commits, aborts, latencies, forced writes, per second")    \
    X(TRACE, trace, '3', "Trace", "one transaction: every message, with measured times")                     \
    X(TXNS, txns, '4', "Transactions", "newest first: state, time, meaning, reason")                         \
    X(DOUBT, doubt, '5', "In doubt and locks", "prepared branches of every node: verdict, rule, next retry")

#endif
