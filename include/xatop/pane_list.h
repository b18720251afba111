/* Every pane: code, function prefix (src/ui/pane_X.c), key, title, help. The order is that of Tab. */
#ifndef XATOP_PANE_LIST_H
#define XATOP_PANE_LIST_H

#define XATOP_PANE_LIST(X)                                                                                  \
    X(NODES, nodes, '1', "Nodes", "state, make, round trip, prepared branches, lock waits, sessions of every node") \
    X(THROUGHPUT, throughput, '2', "Throughput", "commits, aborts, latencies, forced writes, per second over two minutes") \
    X(TRACE, trace, '3', "Trace", "messages of one transaction as they went, with measured times")          \
    X(TXNS, txns, '4', "Transactions", "newest first: state, meaning, branches, time, reason")

#endif
