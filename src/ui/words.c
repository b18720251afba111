#include "config.h"

#include "pane.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

void words_ms(int64_t us, char out[WORDS_MAX])
{
    double ms = (double)us / 1000;
    if (us < 0)
        text_copy(out, WORDS_MAX, "-");
    else if (ms < 9.995)
        snprintf(out, WORDS_MAX, "%.2f", ms);
    else if (ms < 999.95)
        snprintf(out, WORDS_MAX, "%.1f", ms);
    else
        snprintf(out, WORDS_MAX, "%.0f", ms);
}

void words_duration(int64_t us, char out[WORDS_MAX])
{
    int64_t s = us / 1000000;
    if (us < 0) {
        text_copy(out, WORDS_MAX, "-");
    } else if (s < 1) {
        char ms[WORDS_MAX];
        words_ms(us, ms);
        snprintf(out, WORDS_MAX, "%.20s ms", ms);
    } else if (s < 60) {
        snprintf(out, WORDS_MAX, "%.1f s", (double)us / 1e6);
    } else if (s < 3600) {
        snprintf(out, WORDS_MAX, "%" PRId64 "m%02" PRId64 "s", s / 60, s % 60);
    } else {
        snprintf(out, WORDS_MAX, "%" PRId64 "h%02" PRId64 "m", s / 3600, s / 60 % 60);
    }
}

void words_clock(int64_t wall_ms, bool millis, char out[WORDS_MAX])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;
    if (wall_ms <= 0 || !localtime_r(&seconds, &tm))
        text_copy(out, WORDS_MAX, "--:--:--");
    else if (millis)
        snprintf(out, WORDS_MAX, "%02d:%02d:%02d.%03d", tm.tm_hour, tm.tm_min, tm.tm_sec,
                 (int)(wall_ms % 1000));
    else
        snprintf(out, WORDS_MAX, "%02d:%02d:%02d", tm.tm_hour, tm.tm_min, tm.tm_sec);
}

void words_count(int64_t count, char out[WORDS_MAX])
{
    if (count < 0)
        text_copy(out, WORDS_MAX, "-");
    else if (count < 100000)
        snprintf(out, WORDS_MAX, "%" PRId64, count);
    else if (count < 10000000)
        snprintf(out, WORDS_MAX, "%" PRId64 "k", count / 1000);
    else
        snprintf(out, WORDS_MAX, "%" PRId64 "M", count / 1000000);
}

/* Capitals: readable without colour. What the caller has been told comes before what the machine does. */
const char *words_txn_state(const struct model_txn *txn, enum style *style)
{
    static const struct {
        const char *word;
        enum style style;
    } words[TXN_STATES] = {
        [TXN_ACTIVE] = {N_("ACTIVE"), STYLE_BUSY},
        [TXN_PREPARING] = {N_("PREPARING"), STYLE_BUSY},
        [TXN_DECIDING] = {N_("DECIDING"), STYLE_FORCED},
        [TXN_COMMITTING] = {N_("COMMITTING"), STYLE_BUSY},
        [TXN_ROLLING_BACK] = {N_("ROLLING BACK"), STYLE_WARN},
        [TXN_ONE_PHASE] = {N_("ONE PHASE"), STYLE_BUSY},
        [TXN_OUTCOME_UNKNOWN] = {N_("UNKNOWN"), STYLE_BAD},
        [TXN_COMMITTED] = {N_("COMMITTED"), STYLE_GOOD},
        [TXN_ROLLED_BACK] = {N_("ABORTED"), STYLE_WARN},
        [TXN_IN_DOUBT] = {N_("IN DOUBT"), STYLE_BAD},
    };
    *style = words[txn->state].style;
    if (!model_txn_unfinished(txn))
        return _(words[txn->state].word);
    if (txn->recovered && txn->state == TXN_ACTIVE) { /* a branch of it was found, nothing else is known */
        *style = STYLE_BAD;
        return _("IN DOUBT");
    }
    switch (txn->outcome) {
    case OUTCOME_COMMITTED_PENDING:
        *style = STYLE_WARN;
        return _("COMMIT-PEND");
    case OUTCOME_ABORTED_PENDING:
        *style = STYLE_WARN;
        return _("ABORT-PEND");
    case OUTCOME_IN_DOUBT:
        *style = STYLE_BAD;
        return _("IN DOUBT");
    default:
        return _(words[txn->state].word);
    }
}

const char *words_node_state(enum node_state state, enum style *style)
{
    static const struct {
        const char *word;
        enum style style;
    } words[] = {
        [NODE_UNKNOWN] = {N_("?"), STYLE_DIM},   [NODE_UP] = {N_("up"), STYLE_GOOD},
        [NODE_SLOW] = {N_("SLOW"), STYLE_WARN},  [NODE_FROZEN] = {N_("FROZEN"), STYLE_BAD},
        [NODE_DOWN] = {N_("DOWN"), STYLE_BAD},   [NODE_CUT] = {N_("CUT"), STYLE_BAD},
        [NODE_UNFIT] = {N_("UNFIT"), STYLE_BAD},
    };
    unsigned known =
        (unsigned)state < sizeof words / sizeof words[0] ? (unsigned)state : (unsigned)NODE_UNKNOWN;
    *style = words[known].style;
    return _(words[known].word);
}

char words_branch_letter(unsigned branch_state)
{
    static const char letters[BRANCH_STATES] = {
        [BRANCH_IDLE] = '.',      [BRANCH_STARTING] = 's',   [BRANCH_WORKING] = 'w',
        [BRANCH_ENDING] = 'e',    [BRANCH_ENDED] = 'E',      [BRANCH_PREPARING] = 'p',
        [BRANCH_PREPARED] = 'P',  [BRANCH_COMMITTING] = 'c', [BRANCH_ROLLING_BACK] = 'r',
        [BRANCH_BACKOFF] = 'b',   [BRANCH_FENCING] = 'f',    [BRANCH_SETTLING] = 'f',
        [BRANCH_RESOLVING] = '?', [BRANCH_COMMITTED] = 'C',  [BRANCH_ROLLED_BACK] = 'R',
    };
    return branch_state < BRANCH_STATES ? letters[branch_state] : '?';
}

int64_t txn_elapsed_us(const struct ui *ui, const struct model_txn *txn)
{
    if (txn->elapsed_us > 0)
        return txn->elapsed_us;
    int64_t end_us = txn->ended_us ? txn->ended_us : ui->now_us;
    return end_us > txn->begun_us ? end_us - txn->begun_us : 0;
}

const char *ui_node_name(const struct ui *ui, unsigned node_plus_1)
{
    if (node_plus_1 < 1 || node_plus_1 > ui->model.node_count)
        return "?";
    return ui->model.nodes[node_plus_1 - 1].name;
}
