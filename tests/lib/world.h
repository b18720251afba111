/* Fake ports around a real engine, for its unit tests. */
#ifndef XATOP_TESTS_WORLD_H
#define XATOP_TESTS_WORLD_H

#include "xatop/engine.h"

/* A world that answers everything well, unless a test says otherwise: requests queue up and are answered by play(). */
enum { QUEUE = 256 };

struct world {
    struct engine *engine;
    void *queue[QUEUE];
    int kinds[QUEUE];
    unsigned head, tail;
    int64_t now_us;
    bool crashed;
    int cuts;
    /* what to answer */
    enum raise_result raised[2];
    bool checked[2]; /* RAISE and HEALTH carry what preflight says of: */
    struct preflight_facts facts[2];
    bool away[2], displaced[2], fenced[2];
    uint32_t elsewhere[2];
    struct xid listed[4];
    unsigned listed_count;
    enum reply reply; /* to @reply_verb on node @reply_node, once */
    uint16_t reply_verb;
    uint8_t reply_node;
    enum refusal refusal;
    enum status log_status;
    int found;
    enum key_state key_state;
    char fingerprint[33], key_gtrid[XATOP_GTRID_MAX + 1];
    int64_t server_start;
    enum finding finding;
    struct marker_seen markers[2][8]; /* per node, by age */
    unsigned marker_counts[2];
    bool markers_more;
    struct gtrid oldest;         /* decision held by the log; epoch 0: none */
    struct effect effects[2][4]; /* per node: what its markers say */
    unsigned effect_counts[2];
    uint16_t committed[2];
    char history
        [16]; /* of a force, in the order of the answers: F and D the records FORCE and FORCED, R a RESOLVE, X a FORGET */
    struct dlog_record forced;
    struct gtrid floor[2], pruned[2]; /* as on the nodes: what was asked for becomes so */
    /* what was seen */
    unsigned sent[256], resolves[3], finds, dones, commits, looks, raises, lists, prunes, scans, swepts;
    struct gtrid swept; /* the last one */
    char transcript[8192];
    /* the last answer */
    struct report report;
    struct recovery_report recovery;
    struct verdict_report verdicts[8];
    unsigned told;
};

extern struct world world;

struct engine_config world_config(void);
void world_fresh(void); /* forget everything */
void world_open_with(const struct engine_config *config, const struct dlog_record *records, uint32_t count);
struct preflight_facts world_facts(uint8_t node); /* of a node without fault */
void world_begin(void);                           /* fresh, and an engine with nothing in its past */
void world_end(void);
void world_turn(void);
bool world_answer_one(void); /* false: nothing was asked */
/* Answer until nothing is asked any more; the clock jumps to what is due within @ms. */
void world_play(int64_t ms);
void world_told(struct command *command, const struct report *report, const struct recovery_report *recovery);
struct command world_transfer(int64_t from, int64_t to, int64_t amount);
void world_ask(struct command *command);
void world_fault(const char *spec);

#endif
