/* Who made a prepared branch that is not ours: known by the format id, or by how the gtrid begins. The first row that fits
 * names it. Sources: the constants in the makers' code as they stood (Seata XAXid, Bitronix UID format "Btnx", LIXA
 * lixa_xid, Narayana XATxConverter and its JTS and bridge variants, Atomikos XID "ATOM"), the servers' MYSQL_XID_PREFIX
 * and WSREP_XID_PREFIX, dble's xa ids. Format id 1 is what XA START gives when none is said: it names nobody. */
#ifndef XATOP_XID_MAKER_LIST_H
#define XATOP_XID_MAKER_LIST_H

/* name, first format id, last format id, beginning of the gtrid ("": any) */
#define XATOP_XID_MAKER_LIST(X)                                                                             \
    X("MySQL server", 0, INT64_MAX, "MySQLXid")                                                             \
    X("Galera", 0, INT64_MAX, "WSREPXid")                                                                   \
    X("dble", 0, INT64_MAX, "Dble_Server.")                                                                 \
    X("Seata", 9752, 9752, "")                                                                              \
    X("Bitronix", 0x42746e78, 0x42746e78, "")                                                               \
    X("LIXA", 1279875137, 1279875137, "")                                                                   \
    X("Narayana", 131072, 131081, "")                                                                       \
    X("Atomikos", 1096044365, 1096044365, "")

#endif
