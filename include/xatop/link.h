/* Links: between the sessions of a coordinator and a node stands a proxy that can cut, delay, throttle, drip and reset.
 *
 * One thread, one libevent loop, a listener per node: on a unix socket in a private directory for a node that is reached through
 * one, on 127.0.0.1 for a node on loopback TCP. Both are forwarded by the same code. Memory is bounded: a direction of a session
 * holds some LINK_BUFFER_BYTES, then its sender is not read any more; LINK_SESSIONS_MAX sessions a node, then new ones are closed.
 *
 * What a cut does, and why so. Bytes stop and nothing is closed: each end believes the other is there (half-open), also when one
 * of them ends meanwhile, until it ends itself, is killed, or the proxy stops. A direction of a session that lost a byte, or an
 * end, in a cut is dead for good: nothing passes there after heal, neither what was lost (it would be a commit or a vote that
 * comes minutes late out of a buffer of ours) nor what follows (a stream with a hole in it). So it is when a partition outlasts
 * the patience of TCP or of a firewall's table, which is the case that leaves a prepared branch to a server that still waits for
 * its client. A session that nothing was sent on lives on after heal, as it would. One that was opened during the cut is taken,
 * hears nothing, and reaches its node at heal if it was patient and silent for so long (a SYN is sent again).
 *
 * With cut=reply the node hears and acts, and its answers are lost.
 *
 * State is shared between processes by one small file a node, DIR/NAME (0600, replaced atomically, see link_file_*): written by
 * whoever changes a link, followed by every proxy that runs (inotify) and read by the next one that starts. So a link stays cut
 * until it is healed. `reset` fires once for each time it was written: the proxy that fires it takes it out of the file. */
#ifndef XATOP_LINK_H
#define XATOP_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xatop/limits.h"
#include "xatop/status.h"
#include "xatop/text.h"

/* code, word as typed ("=" at its end: a number follows), the number's name, its max, help */
#define XATOP_LINK_WORD_LIST(X)                                                                             \
    X(CUT, "cut", "", 0, "bytes stop in both directions, both ends stay open")                              \
    X(CUT_REQUEST, "cut=request", "", 0, "only towards the node: it hears nothing")                         \
    X(CUT_REPLY, "cut=reply", "", 0, "only from the node: it hears and acts, its reply is lost")            \
    X(DELAY, "delay=", "MS", 60000, "each way later by so many milliseconds")                               \
    X(JITTER, "jitter=", "MS", 60000, "and by up to so many more, drawn anew each time; order is kept")     \
    X(RATE, "rate=", "BYTES", 1000000000, "bytes a second, each way, shared by all sessions; 0: unlimited") \
    X(DRIP, "drip", "", 0, "one byte a second, each way, every session")                                    \
    X(RESET, "reset", "", 0, "once: the node's next packet ends in its middle, both sides are reset")       \
    X(HEAL, "heal", "", 0, "as if nothing had been")

struct link_word {
    const char *word, *argument, *help;
    int64_t max;
};
const struct link_word *link_words(void); /* ends with a row without a word */

struct link_state { /* all zero: healthy */
    bool cut_request, cut_reply, drip, reset;
    int32_t delay_ms, jitter_ms;
    int64_t rate; /* bytes a second; 0: unlimited */
};

enum { LINK_WORDS_MAX = 128, LINK_BUFFER_BYTES = 65536, LINK_SESSIONS_MAX = 1024 };

/* Change @state by @words, separated by blanks or commas, from left to right: what they do not name stays as it was, a word of
 * cut replaces the cut before it. STATUS_USAGE with the nearest word; then @state is untouched. */
enum status link_parse(const char *words, struct link_state *state, struct err *err);
/* The words that make @state of a healthy link; of a healthy one: "heal". At most LINK_WORDS_MAX with the NUL. */
void link_format(const struct link_state *state, struct text *out);
/* In one word: up, cut, slow (delay, jitter, rate, drip), reset (it is armed, and nothing else). */
const char *link_state_word(const struct link_state *state);

/* --- the files; @dir: made 0700 if missing. Untrusted: own, regular, private, small, strictly of their form --- */

/* No file: healthy. STATUS_STATE: damaged, somebody else's, readable by others. @id (may be NULL) is drawn anew by each write. */
enum status link_file_read(const char *dir, const char *node, struct link_state *out, uint64_t *id, struct err *err);
/* Apply @words (see link_parse) to what the file says; @out (may be NULL) is the result. With `heal` first a damaged file is
 * replaced. Blocks up to 2 s for another writer. */
enum status link_file_change(const char *dir, const char *node, const char *words, struct link_state *out, struct err *err);

/* --- the proxy --- */

struct link_target {
    const char *name;   /* of the node; names its file */
    const char *socket; /* unix socket; NULL or "": host and port */
    const char *host;   /* on loopback; anything else is STATUS_REFUSED */
    uint16_t port;
};

struct link_address { /* where to connect instead */
    char socket[108]; /* if not empty */
    char host[16];    /* "127.0.0.1" */
    uint16_t port;
};

struct link_options {
    const char *dir; /* of the files, and of the private directory of sockets; one running proxy a directory */
    uint64_t seed;   /* jitter is drawn from it */
    /* A link was changed through its file by another process (not by a call below). On the proxy's thread: only hand over.
     * May be NULL. */
    void (*changed)(void *arg, uint8_t target, const struct link_state *state);
    void *arg;
};

struct link_proxy; /* opaque */

/* Is it this machine alone: "localhost", 127.x.y.z, ::1? */
bool link_host_is_loopback(const char *host);
/* Listen for every target and begin with what the files say. Raises the soft limit of open files if there is room.
 * STATUS_STATE: the directory or a file; STATUS_INTERNAL: resources. */
enum status link_proxy_start(struct link_proxy **out, const struct link_target *targets, uint8_t count,
                             const struct link_options *options, struct err *err);
/* @target: index in what was started. */
void link_proxy_address(const struct link_proxy *proxy, uint8_t target, struct link_address *out);
/* Any thread but the proxy's own; when it returns, it is in force: what was sent before the call and read by the proxy may
 * have passed, nothing sent after it does. Not written to the file. */
void link_proxy_set(struct link_proxy *proxy, uint8_t target, const struct link_state *state);
/* The same by words on what the file says, written to the file. */
enum status link_proxy_change(struct link_proxy *proxy, uint8_t target, const char *words, struct link_state *out,
                              struct err *err);
void link_proxy_get(struct link_proxy *proxy, uint8_t target, struct link_state *out); /* any thread */
uint32_t link_proxy_sessions(struct link_proxy *proxy, uint8_t target);                /* open now; any thread */
/* From now on a link that does not forward as it should holds nobody up: sessions of links that are cut or slow are closed, new
 * ones at once. For a coordinator that ends: its own calls return. Any thread. */
void link_proxy_hang_up(struct link_proxy *proxy);
/* Close every session and listener, end the thread. Nobody may use it any more. NULL is allowed. */
void link_proxy_stop(struct link_proxy *proxy);

#endif
