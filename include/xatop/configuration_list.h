/* Every key of the configuration file, once: the fields of struct configuration, the reader, the environment, --dump-config,
 * conf/xatop.conf and xatop.conf(5) are made of these rows.
 *
 * type, key, environment ("" = none; for nodes the part after DBn_), words (WORD only), default, min, max, help
 * INT: min and max are its range; every other type: of its length in bytes.
 *   ID      lower-case letters, digits, _ and -        NAME    letters, digits and _
 *   WORD    one of the words (stored as its index)     SECRET  as STRING, never printed
 *   PATH    as STRING, relative to the file's folder
 * A key that ends in _ms has its environment variable in seconds. */
#ifndef XATOP_CONFIGURATION_LIST_H
#define XATOP_CONFIGURATION_LIST_H

#define XATOP_LOG_LEVEL_WORDS "error|warning|info|debug"
#define XATOP_TLS_WORDS "auto|verify|insecure"
#define XATOP_ROLE_WORDS "production|lab"
#define XATOP_MAKE_WORDS "any|mysql|mariadb"
#define XATOP_LOG_BIN_WORDS "shipped|on|off"

#define XATOP_CONFIGURATION_LIST(X)                                                                         \
    X(ID, coordinator, "", "", "xatop", 1, XATOP_COORD_MAX,                                                 \
      "id of this coordinator, part of every gtrid; two coordinators on the same nodes need two ids")      \
    X(PATH, state_dir, "", "", "", 0, 1023,                                                                 \
      "decision log, journal, lab nodes; empty: $XATOP_STATE, else $XDG_STATE_HOME/xatop")                 \
    X(INT, transaction_timeout_ms, "TRANSACTION_TIMEOUT", "", "60000", 100, 3600000,                        \
      "a transaction that is not ready to prepare by then is rolled back")                                 \
    X(INT, prepare_timeout_ms, "PREPARE_TIMEOUT", "", "30000", 100, 3600000,                                \
      "a vote that has not come by then counts as no")                                                      \
    X(INT, finish_timeout_ms, "", "", "10000", 100, 600000,                                                 \
      "one XA COMMIT or XA ROLLBACK unanswered for so long is taken as lost and tried again")              \
    X(INT, connect_timeout_ms, "", "", "5000", 100, 60000, "how long connecting to a node may take")       \
    X(INT, settle_ms, "", "", "250", 250, 60000,                                                            \
      "wait between the end of a session and finishing its branch from another one")                       \
    X(INT, lock_wait_s, "", "", "5", 1, 3600, "how long a statement waits for a row or table lock")        \
    X(INT, max_retries, "MAX_RETRY_ATTEMPTS", "", "3", 0, 100,                                              \
      "new attempts, each under a new xid, after a deadlock or a lock wait")                               \
    X(INT, max_inflight, "", "", "64", 1, XATOP_INFLIGHT_MAX, "transactions in flight at once")            \
    X(INT, wait_s, "", "", "10", 0, 86400, "how long a command waits for phase two after the decision")    \
    X(INT, retention_s, "", "", "3600", 60, 31536000,                                                       \
      "how long a commit decision is kept after every node was verified")                                  \
    X(BOOL, links, "", "", "true", 0, 0,                                                                    \
      "lab nodes are reached through a link that can be cut; off for load measurements")                    \
    X(WORD, log_level, "", XATOP_LOG_LEVEL_WORDS, "info", 0, 15, "what the program log takes")             \
    X(INT, log_max_kib, "", "", "1024", 16, 1048576, "size at which the program log begins a new file")

#define XATOP_NODE_KEY_LIST(X)                                                                              \
    X(ID, name, "", "", "", 0, XATOP_NAME_MAX, "the node's name; empty: n1, n2, ...")                      \
    X(BOOL, lab, "", "", "false", 0, 0, "a private server that xatop itself creates, starts and stops")    \
    X(WORD, role, "", XATOP_ROLE_WORDS, "production", 0, 15,                                                 \
      "lab: a server on loopback whose link may be cut; lab = true is one anyway") \
    X(STRING, host, "HOST", "", "127.0.0.1", 1, 255, "name or address")                                    \
    X(INT, port, "PORT", "", "0", 0, 65535, "TCP port; 0: 3306, for a lab node a free one")                \
    X(PATH, socket, "", "", "", 0, 107, "unix socket; if given, host and port are not used")               \
    X(STRING, user, "USER", "", "xatop", 1, 80, "account")                                                 \
    X(SECRET, password, "PASSWORD", "", "", 0, 255,                                                         \
      "password; the configuration file must then be readable by its owner only")                          \
    X(PATH, password_file, "", "", "", 0, 1023, "file of mode 0600 whose first line is the password")      \
    X(INT, password_fd, "", "", "-1", -1, 1023, "open file descriptor to read the password from")          \
    X(BOOL, password_prompt, "", "", "false", 0, 0, "ask for the password on the terminal")                \
    X(NAME, database, "DATABASE", "", "xatop", 1, 64, "database")                                          \
    X(WORD, tls, "", XATOP_TLS_WORDS, "auto", 0, 15,                                                        \
      "auto: encrypted and verified, but for a unix socket or loopback; verify: there too; insecure: neither is demanded") \
    X(PATH, tls_ca, "", "", "", 0, 1023, "PEM file of the authorities that may have signed the server; empty: the system's") \
    X(WORD, make, "", XATOP_MAKE_WORDS, "any", 0, 15, "lab: which server to run")                          \
    X(PATH, server, "", "", "", 0, 1023, "lab: path of mysqld or mariadbd; empty: the one found")          \
    X(WORD, log_bin, "", XATOP_LOG_BIN_WORDS, "shipped", 0, 15,                                             \
      "lab: the binary log; shipped: on for MySQL, off for MariaDB")

#endif
