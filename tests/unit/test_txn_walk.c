#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cunit_main.h"
#include "txn_script.h"
#include "xatop/verb.h"

/* Every reachable state of the machine, met with every event there is, the senseless ones included. Times, attempts and blame
 * do not steer it, so they are left out of what makes a state; branches are alike, so their order is left out too. What the
 * machine itself asserts is checked by walking; here stands what a state alone cannot show: that a step keeps its promises,
 * and that from everywhere it ends once the world turns kind. */

enum { WALK_BRANCHES = 3, NOW_MS = 1000, LATE_MS = 20000 };

struct branch_key {
    uint8_t state, step, retry, pad;
    uint16_t flags, sent;
};

struct key {
    uint8_t state, flags, pad[6];
    struct branch_key branches[WALK_BRANCHES];
};

struct walk {
    uint8_t branches, work;
    bool packet, recovered;
    struct key *keys; /* in the order they were met */
    uint32_t count, cap;
    uint32_t *table; /* index + 1 */
    uint32_t table_size;
    uint64_t steps, taken;
    bool seen_txn[TXN_STATES], seen_branch[BRANCH_STATES];
};

static int compare_branches(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct branch_key));
}

static struct key pack(const struct walk *w, const struct txn *txn)
{
    struct key key;
    memset(&key, 0, sizeof key);
    key.state = (uint8_t)txn->state;
    key.flags = (uint8_t)(txn->decided_commit | txn->decision_durable << 1 | txn->begun << 2);
    for (unsigned i = 0; i < w->branches; i++) {
        const struct txn_branch *b = &txn->branches[i];
        struct branch_key *k = &key.branches[i];
        k->state = (uint8_t)b->state;
        k->step = b->step;
        k->retry = b->state == BRANCH_BACKOFF ? (uint8_t)b->retry : 0;
        k->flags = (uint16_t)(b->started | b->ended << 1 | b->prepare_sent << 2 | b->voted_yes << 3 |
                              b->commit_told << 4 | b->rollback_told << 5 | b->cut << 6 | b->damaged << 7 |
                              b->alarmed << 8);
        k->sent = b->sent;
        bool finishing = b->state > BRANCH_ROLLING_BACK && b->state < BRANCH_STATES;
        if (finishing) { /* how far its own session came steers nothing any more */
            k->flags &= (uint16_t) ~(1 | 2 | 64);
            k->step = 0;
        }
        if (b->state == BRANCH_COMMITTED || b->state == BRANCH_ROLLED_BACK)
            k->flags &= (uint16_t) ~(128 | 256);
    }
    qsort(key.branches, w->branches, sizeof key.branches[0], compare_branches);
    return key;
}

static void unpack(const struct walk *w, const struct key *key, struct txn *txn)
{
    const uint8_t work[XATOP_BRANCHES_MAX] = {w->work, w->work, w->work};
    struct txn_limits limits = script_limits(w->packet);
    txn_init(txn, &limits, w->branches, work, NOW_MS, 1);
    txn->recovered = w->recovered;
    txn->state = (enum txn_state)key->state;
    txn->decided_commit = key->flags & 1;
    txn->decision_durable = key->flags & 2;
    txn->begun = key->flags & 4;
    for (unsigned i = 0; i < w->branches; i++) {
        struct txn_branch *b = &txn->branches[i];
        const struct branch_key *k = &key->branches[i];
        b->state = (enum branch_state)k->state;
        b->step = k->step;
        b->retry = (enum txn_retry)k->retry;
        b->started = k->flags & 1;
        b->ended = k->flags & 2;
        b->prepare_sent = k->flags & 4;
        b->voted_yes = k->flags & 8;
        b->commit_told = k->flags & 16;
        b->rollback_told = k->flags & 32;
        b->cut = k->flags & 64;
        b->damaged = k->flags & 128;
        b->alarmed = k->flags & 256;
        b->sent = k->sent;
        b->retry_at_ms = NOW_MS + 1;
    }
}

static void remember(struct walk *w, const struct txn *txn)
{
    struct key key = pack(w, txn);
    uint64_t hash = 1469598103934665603u;
    for (size_t i = 0; i < sizeof key; i++)
        hash = (hash ^ ((const uint8_t *)&key)[i]) * 1099511628211u;
    for (uint64_t slot = hash ^ hash >> 29;; slot++) {
        uint32_t *entry = &w->table[slot & (w->table_size - 1)];
        if (*entry == 0) {
            CU_ASSERT_TRUE_FATAL(w->count < w->cap);
            w->keys[w->count++] = key;
            *entry = w->count;
            w->seen_txn[txn->state] = true;
            for (unsigned i = 0; i < w->branches; i++)
                w->seen_branch[txn->branches[i].state] = true;
            return;
        }
        if (memcmp(&w->keys[*entry - 1], &key, sizeof key) == 0)
            return;
    }
}

/* What must hold of one step, said without the machine's own invariants. */
static void judge(const struct txn *before, const struct txn *after, const struct txn_event *event,
                  const struct txn_update *update)
{
    unsigned ends = 0;
    bool votes = true;
    for (unsigned i = 0; i < after->branch_count; i++)
        votes = votes && after->branches[i].voted_yes;
    if (after->decided_commit != before->decided_commit)
        CU_ASSERT_TRUE(votes && event->kind == TXN_EV_REPLY);
    if (after->decision_durable != before->decision_durable)
        CU_ASSERT_TRUE(after->decision_durable && event->kind == TXN_EV_LOGGED);
    for (unsigned i = 0; i < update->count; i++) {
        const struct txn_action *a = &update->actions[i];
        if (a->verbs & VERB_COMMIT)
            CU_ASSERT_TRUE(after->decision_durable);
        if (a->verbs & VERB_ROLLBACK)
            CU_ASSERT_FALSE(after->decided_commit);
        if (a->kind == TXN_ACT_SEND || a->kind == TXN_ACT_FENCE || a->kind == TXN_ACT_RESOLVE)
            CU_ASSERT_TRUE(a->deadline_ms > NOW_MS);
        if (after->recovered)
            CU_ASSERT_TRUE(a->kind != TXN_ACT_SEND && a->kind != TXN_ACT_FENCE && a->kind != TXN_ACT_CUT);
        if (a->kind == TXN_ACT_CUT) /* only what can die alone is left to die alone */
            CU_ASSERT_FALSE(after->branches[a->branch - 1].prepare_sent);
        ends += a->kind == TXN_ACT_END;
    }
    CU_ASSERT_EQUAL(ends, (unsigned)(txn_terminal(after) && !txn_terminal(before)));
    CU_ASSERT_TRUE(!txn_terminal(before) || before->state == after->state);
    CU_ASSERT_EQUAL(update->move_count > 0 && update->moves[0].branch == 0 &&
                        update->moves[0].from == update->moves[0].to,
                    false);
}

static void meet(struct walk *w, const struct txn *from, struct txn_event event)
{
    struct txn txn = *from;
    struct txn_update update;
    w->steps++;
    if (txn_step(&txn, &event, &update)) {
        w->taken++;
        judge(from, &txn, &event, &update);
        remember(w, &txn);
    } else {
        CU_ASSERT_EQUAL(memcmp(&txn, from, sizeof txn), 0);
        CU_ASSERT_EQUAL(update.count + update.move_count, 0);
    }
}

static void meet_ticks(struct walk *w, const struct txn *from)
{
    struct txn_event tick = {.kind = TXN_EV_TICK, .now_ms = NOW_MS};
    meet(w, from, tick); /* nothing due */
    for (unsigned i = 0; i < w->branches; i++) {
        struct txn txn = *from;
        txn.branches[i].retry_at_ms = NOW_MS;
        meet(w, &txn, tick);
    }
    tick.now_ms = LATE_MS; /* everything due */
    meet(w, from, tick);
}

static void meet_everything(struct walk *w, const struct txn *from)
{
    static const uint16_t verbs[] = {0,           VERB_START,    VERB_WORK,     VERB_END, VERB_PREPARE,
                                     VERB_COMMIT, VERB_ROLLBACK, VERB_ONE_PHASE};
    static const enum txn_event_kind whole[] = {TXN_EV_BEGIN, TXN_EV_LOGGED, TXN_EV_LOG_FAILED, TXN_EV_ABORT};
    for (size_t k = 0; k < sizeof whole / sizeof whole[0]; k++)
        meet(w, from, (struct txn_event){.kind = whole[k], .now_ms = NOW_MS});
    meet(w, from, (struct txn_event){.kind = TXN_EV_BEGIN, .now_ms = LATE_MS});
    meet_ticks(w, from);
    for (uint8_t b = 1; b <= w->branches; b++) {
        for (int ok = 0; ok <= 1; ok++)
            meet(w, from, (struct txn_event){.kind = TXN_EV_FENCED, .branch = b, .now_ms = NOW_MS, .ok = ok});
        for (int f = 0; f <= FINDING_OTHER_NODE; f++)
            meet(w, from,
                 (struct txn_event){
                     .kind = TXN_EV_RESOLVED, .branch = b, .now_ms = NOW_MS, .finding = (enum finding)f});
        if (w->branches == WALK_BRANCHES && from->branches[b - 1].sent == 0)
            continue; /* answers nobody waits for: refused in the smaller walks */
        for (size_t v = 0; v < sizeof verbs / sizeof verbs[0]; v++)
            for (int r = 0; r <= REPLY_NOT_SENT; r++) {
                struct txn_event event = {.kind = TXN_EV_REPLY,
                                          .branch = b,
                                          .now_ms = NOW_MS,
                                          .verbs = verbs[v],
                                          .reply = (enum reply)r};
                meet(w, from, event);
                event.now_ms = LATE_MS;
                if (r == REPLY_OK)
                    meet(w, from, event);
            }
    }
}

/* From here on every answer is what a healthy world says. */
static bool kind_event(const struct txn *txn, struct txn_event *event)
{
    *event = (struct txn_event){.kind = TXN_EV_BEGIN, .now_ms = event->now_ms};
    if (!txn->begun)
        return true;
    event->kind = TXN_EV_LOGGED;
    if (txn->state == TXN_DECIDING)
        return true;
    for (unsigned i = 0; i < txn->branch_count; i++) {
        const struct txn_branch *b = &txn->branches[i];
        event->branch = (uint8_t)(i + 1);
        event->ok = true;
        event->verbs = (uint16_t)verbs_last(b->sent);
        event->finding = txn->decided_commit ? FINDING_COMMITTED : FINDING_ROLLED_BACK;
        event->kind = b->state == BRANCH_FENCING     ? TXN_EV_FENCED
                      : b->state == BRANCH_RESOLVING ? TXN_EV_RESOLVED
                                                     : TXN_EV_REPLY;
        if (b->sent || event->kind != TXN_EV_REPLY)
            return true;
    }
    event->kind = TXN_EV_TICK;
    event->now_ms = txn_deadline_ms(txn);
    return event->now_ms != INT64_MAX;
}

static void ends_in_a_kind_world(const struct txn *from)
{
    struct txn txn = *from;
    struct txn_event event = {.now_ms = NOW_MS};
    struct txn_update update;
    for (int i = 0; i < 100 && !txn_terminal(&txn); i++)
        if (!kind_event(&txn, &event) || !txn_step(&txn, &event, &update))
            break;
    CU_ASSERT_TRUE(txn_terminal(&txn));
    if (from->decision_durable)
        CU_ASSERT_EQUAL(txn.state, TXN_COMMITTED);
    if (from->state == TXN_ROLLING_BACK)
        CU_ASSERT_EQUAL(txn.state, TXN_ROLLED_BACK);
}

static void walk(struct walk *w, const struct txn *start)
{
    w->cap = 1u << 20;
    w->table_size = w->cap * 2;
    w->keys = malloc(w->cap * sizeof *w->keys);
    w->table = calloc(w->table_size, sizeof *w->table);
    CU_ASSERT_TRUE_FATAL(w->keys && w->table);
    remember(w, start);
    for (uint32_t next = 0; next < w->count; next++) {
        struct txn txn;
        unpack(w, &w->keys[next], &txn);
        meet_everything(w, &txn);
        ends_in_a_kind_world(&txn);
    }
    printf("# %d branches, %s%s: %u states, %llu events met, %llu taken\n", w->branches,
           w->packet ? "packets" : "statements", w->recovered ? ", recovered" : "", w->count,
           (unsigned long long)w->steps, (unsigned long long)w->taken);
    free(w->keys);
    free(w->table);
}

static bool seen_txn[TXN_STATES], seen_branch[BRANCH_STATES];

static void walk_from_the_start(uint8_t branches, bool packet)
{
    struct walk w = {.branches = branches, .work = 1, .packet = packet};
    struct key key = {.state = TXN_ACTIVE};
    struct txn start;
    unpack(&w, &key, &start);
    walk(&w, &start);
    for (int i = 0; i < TXN_STATES; i++)
        seen_txn[i] |= w.seen_txn[i];
    for (int i = 0; i < BRANCH_STATES; i++)
        seen_branch[i] |= w.seen_branch[i];
    CU_ASSERT_TRUE(w.seen_txn[TXN_COMMITTED] && w.seen_txn[TXN_ROLLED_BACK]);
}

static void one_branch(void)
{
    walk_from_the_start(1, false);
    walk_from_the_start(1, true);
}

static void two_branches(void)
{
    walk_from_the_start(2, false);
    walk_from_the_start(2, true);
}

static void three_branches(void)
{
    walk_from_the_start(3, false);
    walk_from_the_start(3, true);
}

static void recovered_branches(void)
{
    for (int commit = 0; commit <= 1; commit++)
        for (uint32_t mask = 0; mask < 8; mask++) {
            struct walk w = {.branches = 3, .recovered = true};
            struct txn_limits limits = script_limits(false);
            struct txn start;
            txn_init_recovered(&start, &limits, commit, 3, mask, NOW_MS, 1);
            walk(&w, &start);
            CU_ASSERT_EQUAL(w.seen_txn[TXN_COMMITTED], (bool)commit);
            CU_ASSERT_EQUAL(w.seen_txn[TXN_ROLLED_BACK], !commit);
        }
}

/* A state nobody can reach is a mistake in the table. Runs last. */
static void every_state_was_met(void)
{
    for (int i = 0; i < TXN_STATES; i++)
        CU_ASSERT_TRUE(seen_txn[i]);
    for (int i = 0; i < BRANCH_STATES; i++)
        CU_ASSERT_TRUE(seen_branch[i]);
}

int main(void)
{
    static const struct test_case cases[] = {
        {"one branch", one_branch},
        {"two branches", two_branches},
        {"three branches", three_branches},
        {"recovered branches", recovered_branches},
        {"every state was met", every_state_was_met},
        {NULL, NULL},
    };
    return test_main("txn_walk", cases);
}
