/* Recovery verdicts: what to do with one branch that a node lists as prepared. Pure.
 *
 * Order of looks (xa-facts rules 4 and 5): epoch raised and older sessions gone on that node; scan; snapshot of what is
 * in flight; read the log; scan again. Only a branch in both error-free scans gets a verdict that acts. */
#ifndef XATOP_RECOVERY_H
#define XATOP_RECOVERY_H

#include <stdbool.h>

#include "xatop/vocab.h"
#include "xatop/xid.h"

struct recovery_facts {
    enum xid_owner owner;
    uint32_t xid_epoch, our_epoch;
    uint32_t
        elsewhere;    /* up to this epoch our log was at other places: no record here is no proof; 0: never */
    bool node_raised; /* our epoch stands in the node's epoch row, older sessions gone and settled */
    bool in_flight;   /* at the snapshot between the scans, or after it */
    bool in_both_scans;
    bool log_healthy;
    bool commit_record;     /* in memory or found on disk, discharged or not */
    bool record_has_node;   /* the record names a node id for that branch ... */
    bool node_id_matches;   /* ... and it is this node's */
    bool sibling_committed; /* a marker row of another branch of the transaction is committed on some node */
};

enum verdict recovery_verdict(const struct recovery_facts *facts, enum recovery_rule *rule);

#endif
