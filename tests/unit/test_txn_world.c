#include "config.h"

#include <stdio.h>
#include <string.h>

#include "cunit_main.h"
#include "txn_script.h"
#include "xatop/prng.h"
#include "xatop/verb.h"

/* The machine against small honest servers that fail as xa-facts say they do: refusals, lost requests and replies, threads that
 * go on after their client is gone, restarts, and a coordinator that dies between any two actions and recovers. At the end the
 * branches themselves are asked: all or nothing, and as it was told. */

enum server_state { NONE, ACTIVE, IDLE, ROLLBACK_ONLY, PREPARED, COMMITTED, GONE };

struct server {
    enum server_state state;
    bool session;     /* the coordinator's end is open */
    uint16_t pending; /* what a thread whose client is gone may still run */
};

enum { SERVERS_MAX = 4, STEPS_MAX = 2000 };

struct world {
    struct prng prng;
    unsigned faults; /* of 1000 */
    struct txn txn;
    struct server servers[SERVERS_MAX];
    int64_t now_ms;
    bool logging, record;         /* a COMMIT record is being written; is durable */
    bool told_commit, told_abort; /* what the caller heard */
    bool in_doubt, crashed, foul; /* foul: a rule about foreign finishes was broken */
    unsigned crashes;
    struct {
        bool out;
        struct txn_event event;
    } answers[SERVERS_MAX];
};

static bool chance(struct world *w, unsigned of_1000)
{
    return prng_below(&w->prng, 1000) < of_1000;
}

static void session_ends(struct server *s)
{
    if (s->state == ACTIVE || s->state == IDLE || s->state == ROLLBACK_ONLY)
        s->state = GONE;
    s->session = false;
    s->pending = 0;
}

static enum reply run_prepare(struct world *w, struct server *s)
{
    if (s->state != IDLE)
        return REPLY_ERROR;
    if (chance(w, w->faults)) { /* a vote of no, in three ways */
        static const enum reply nos[] = {REPLY_ERROR, REPLY_RETRYABLE, REPLY_ROLLED_BACK};
        enum reply no = nos[prng_below(&w->prng, 3)];
        s->state = no == REPLY_ERROR ? IDLE : GONE;
        return no;
    }
    s->state = PREPARED;
    return REPLY_OK;
}

static enum reply run_work(struct world *w, struct server *s)
{
    if (s->state != ACTIVE)
        return REPLY_ERROR;
    if (!chance(w, w->faults))
        return REPLY_OK;
    if (chance(w, 500))
        return REPLY_REFUSED;
    s->state = chance(w, 500) ? ROLLBACK_ONLY : ACTIVE; /* deadlock, lock wait */
    return REPLY_RETRYABLE;
}

static enum reply run_finish(struct world *w, struct server *s, unsigned verb)
{
    bool commit = verb != VERB_ROLLBACK;
    bool fits = verb == VERB_ONE_PHASE ? s->state == IDLE
                : commit               ? s->state == PREPARED
                         : s->state == PREPARED || s->state == IDLE || s->state == ROLLBACK_ONLY;
    if (!fits)
        return s->state == ACTIVE || s->state == IDLE ? REPLY_ERROR : REPLY_NOTA;
    if (chance(w, w->faults)) { /* a lock, read_only, or a NOTA that proves nothing (20): nothing happened */
        static const enum reply excuses[] = {REPLY_BUSY, REPLY_NOTA, REPLY_ERROR};
        return excuses[prng_below(&w->prng, 3)];
    }
    s->state = commit ? COMMITTED : GONE;
    return REPLY_OK;
}

static enum reply run_verb(struct world *w, struct server *s, unsigned verb)
{
    switch (verb) {
    case VERB_START:
        if (s->state != NONE)
            return REPLY_ERROR;
        s->state = ACTIVE;
        return REPLY_OK;
    case VERB_WORK:
        return run_work(w, s);
    case VERB_END:
        if (s->state != ACTIVE)
            return s->state == ROLLBACK_ONLY ? REPLY_ROLLED_BACK : REPLY_ERROR;
        s->state = IDLE;
        return REPLY_OK;
    case VERB_PREPARE:
        return run_prepare(w, s);
    default:
        return run_finish(w, s, verb);
    }
}

/* Run a message as far as it goes; @last is where it stopped. */
static enum reply run_message(struct world *w, struct server *s, uint16_t verbs, uint16_t *last)
{
    enum reply reply = REPLY_OK;
    for (unsigned bit = 0; bit < 8 && reply == REPLY_OK; bit++)
        if (verbs & 1u << bit) {
            *last = (uint16_t)(1u << bit);
            reply = run_verb(w, s, *last);
        }
    return reply;
}

/* A thread without a client runs some of what it was sent, then notices. */
static void thread_ends(struct world *w, struct server *s)
{
    uint16_t last;
    if (s->pending && chance(w, 700))
        run_message(w, s, s->pending, &last);
    session_ends(s);
}

static void answer(struct world *w, unsigned index, struct txn_event event)
{
    event.branch = (uint8_t)(index + 1);
    w->answers[index].out = true;
    w->answers[index].event = event;
}

static void do_send(struct world *w, unsigned index, uint16_t verbs)
{
    struct server *s = &w->servers[index];
    struct txn_event event = {.kind = TXN_EV_REPLY};
    if (!s->session || chance(w, w->faults / 2)) {
        session_ends(s);
        event.reply = REPLY_NOT_SENT;
    } else if (chance(w, w->faults)) {
        event.reply = REPLY_LOST;
        s->session = false;
        s->pending = verbs; /* it may run now, later, or never */
        if (chance(w, 300))
            thread_ends(w, s);
    } else {
        event.reply = run_message(w, s, verbs, &event.verbs);
    }
    answer(w, index, event);
}

static void do_resolve(struct world *w, unsigned index, uint16_t verbs)
{
    struct server *s = &w->servers[index];
    struct txn_event event = {.kind = TXN_EV_RESOLVED};
    w->foul |= s->session || s->pending; /* the holder must be gone (12b, 3a) */
    bool act = !chance(w, w->faults);
    if (act && verbs && s->state == PREPARED)
        s->state = verbs == VERB_COMMIT ? COMMITTED : GONE;
    w->foul |= act && s->state == PREPARED;
    event.finding = s->state == COMMITTED ? FINDING_COMMITTED : FINDING_ROLLED_BACK;
    if (!act || chance(w, w->faults)) /* also when it acted and the answer was lost */
        event.finding = chance(w, 500) ? FINDING_BUSY : FINDING_UNREACHABLE;
    answer(w, index, event);
}

static void do_action(struct world *w, const struct txn_action *action)
{
    unsigned index = action->branch - 1u;
    switch (action->kind) {
    case TXN_ACT_SEND:
        do_send(w, index, action->verbs);
        break;
    case TXN_ACT_RESOLVE:
        do_resolve(w, index, action->verbs);
        break;
    case TXN_ACT_FENCE: {
        bool ok = !chance(w, w->faults);
        if (ok)
            thread_ends(w, &w->servers[index]);
        answer(w, index, (struct txn_event){.kind = TXN_EV_FENCED, .ok = ok});
        break;
    }
    case TXN_ACT_CUT:
        if (w->servers[index].pending == 0)
            session_ends(&w->servers[index]);
        break;
    case TXN_ACT_LOG_COMMIT:
        w->logging = true;
        break;
    case TXN_ACT_ALARM:
        w->foul = true; /* these servers do no damage */
        break;
    case TXN_ACT_LOG_DONE:
    case TXN_ACT_END:
        break;
    }
}

static void crash(struct world *w)
{
    w->record |= w->logging && chance(w, 500);
    w->logging = false;
    w->crashed = true;
    w->crashes++;
    memset(w->answers, 0, sizeof w->answers);
}

static void step(struct world *w, struct txn_event event)
{
    struct txn_update update;
    event.now_ms = w->now_ms;
    bool taken = txn_step(&w->txn, &event, &update);
    CU_ASSERT_TRUE(taken);
    enum outcome outcome = txn_outcome(&w->txn);
    w->told_commit |= outcome == OUTCOME_COMMITTED || outcome == OUTCOME_COMMITTED_PENDING;
    if (w->txn.branch_count > 1 ||
        !w->txn.recovered) /* one phase leaves nothing to recover: nobody is told then */
        w->told_abort |= outcome == OUTCOME_ABORTED || outcome == OUTCOME_ABORTED_PENDING;
    for (unsigned i = 0; i < update.count; i++) {
        if (w->crashes < 3 && chance(w, w->faults / 10)) {
            crash(w);
            return;
        }
        do_action(w, &update.actions[i]);
    }
    if (w->txn.state == TXN_IN_DOUBT)
        crash(w); /* until the log is opened anew */
}

/* Rules 4 and 5: old sessions are killed and gone, then the log decides about what is prepared. */
static void recover(struct world *w, uint8_t branches)
{
    struct txn_limits limits = script_limits(false);
    uint32_t mask = 0;
    for (unsigned i = 0; i < branches; i++) {
        thread_ends(w, &w->servers[i]);
        mask |= (w->record || w->servers[i].state == PREPARED) ? 1u << i : 0;
    }
    w->crashed = false;
    txn_init_recovered(&w->txn, &limits, w->record, branches, mask, w->now_ms, 1);
    step(w, (struct txn_event){.kind = TXN_EV_BEGIN});
}

static void log_answers(struct world *w)
{
    w->logging = false;
    bool failed = chance(w, w->faults / 4);
    w->record = !failed || chance(w, 500); /* a failed sync proves nothing either way */
    step(w, (struct txn_event){.kind = failed ? TXN_EV_LOG_FAILED : TXN_EV_LOGGED});
}

static void turn(struct world *w, uint8_t branches)
{
    unsigned index = (unsigned)prng_below(&w->prng, branches);
    w->now_ms += (int64_t)prng_below(&w->prng, 20);
    if (w->servers[index].pending && chance(w, 200))
        thread_ends(w, &w->servers[index]);
    if (w->crashed) {
        recover(w, branches);
    } else if (w->logging && chance(w, 300)) {
        log_answers(w);
    } else if (w->answers[index].out) {
        w->answers[index].out = false;
        step(w, w->answers[index].event);
    } else if (chance(w, w->faults / 20)) {
        step(w, (struct txn_event){.kind = TXN_EV_ABORT});
    } else if (txn_deadline_ms(&w->txn) != INT64_MAX) {
        if (txn_deadline_ms(&w->txn) > w->now_ms)
            w->now_ms = txn_deadline_ms(&w->txn);
        step(w, (struct txn_event){.kind = TXN_EV_TICK});
    }
}

static unsigned committed_total, aborted_total, crashed_total;

static void one_life(uint64_t seed)
{
    struct world w = {.faults = 0};
    prng_seed(&w.prng, seed);
    static const unsigned levels[] = {0, 30, 150, 400};
    uint8_t branches = (uint8_t)(1 + prng_below(&w.prng, SERVERS_MAX));
    uint8_t work[SERVERS_MAX];
    struct txn_limits limits = script_limits(chance(&w, 500));
    w.faults = levels[prng_below(&w.prng, 4)];
    for (unsigned i = 0; i < branches; i++) {
        work[i] = (uint8_t)prng_below(&w.prng, 3);
        w.servers[i].session = true;
    }
    txn_init(&w.txn, &limits, branches, work, 0, seed);
    step(&w, (struct txn_event){.kind = TXN_EV_BEGIN});
    int steps = 0;
    for (; steps < STEPS_MAX && (w.crashed || !txn_terminal(&w.txn)); steps++) {
        turn(&w, branches);
        if (steps == 200)
            w.faults = 0; /* from here on the world is kind: it must end */
    }
    unsigned committed = 0;
    for (unsigned i = 0; i < branches; i++) {
        enum server_state state = w.servers[i].state;
        w.foul |= w.servers[i].session &&
                  (state == ACTIVE || state == IDLE || state == ROLLBACK_ONLY); /* left open */
        thread_ends(&w, &w.servers[i]);
        committed += w.servers[i].state == COMMITTED;
        w.foul |= w.servers[i].state == PREPARED; /* nothing is left behind */
    }
    bool ended = !w.crashed && txn_terminal(&w.txn);
    bool atomic = committed == 0 || committed == branches;
    bool honest = (!w.told_commit || committed == branches) && (!w.told_abort || committed == 0);
    bool durable = branches == 1 || (committed == branches) == w.record;
    CU_ASSERT_TRUE(ended && atomic && honest && durable && !w.foul);
    if (!ended || !atomic || !honest || !durable || w.foul)
        printf("# seed %llu: ended %d atomic %d honest %d durable %d foul %d\n", (unsigned long long)seed,
               ended, atomic, honest, durable, w.foul);
    committed_total += committed == branches;
    aborted_total += committed == 0;
    crashed_total += w.crashes > 0;
}

static void all_or_nothing_and_as_told(void)
{
    for (uint64_t seed = 1; seed <= 30000; seed++)
        one_life(seed);
    printf("# %u committed, %u rolled back, %u with crashes\n", committed_total, aborted_total,
           crashed_total);
    CU_ASSERT_TRUE(committed_total > 5000 && aborted_total > 5000 && crashed_total > 3000);
}

int main(void)
{
    static const struct test_case cases[] = {
        {"all or nothing, and as told", all_or_nothing_and_as_told},
        {NULL, NULL},
    };
    return test_main("txn_world", cases);
}
