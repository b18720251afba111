#include "config.h"

#include "pane.h"

#include <inttypes.h>
#include <string.h>

/* Which branches are in doubt: what the newest look found prepared, and of our own transactions what is decided and not told
 * everywhere, seen or not. */

enum { RANK_AMBIGUOUS, RANK_COMMIT, RANK_ROLLBACK, RANK_UNTOLD, RANK_LEAVE, RANK_IN_FLIGHT, RANK_FOREIGN };

static uint8_t rank_of(const struct model_verdict *verdict)
{
    if (verdict->finished)
        return DOUBT_RANK_DONE;
    switch (verdict->verdict) {
    case VERDICT_AMBIGUOUS:
        return RANK_AMBIGUOUS;
    case VERDICT_COMMIT:
        return RANK_COMMIT;
    case VERDICT_ROLLBACK:
        return RANK_ROLLBACK;
    case VERDICT_FOREIGN:
        return RANK_FOREIGN;
    default:
        return verdict->rule == RULE_IN_FLIGHT ? RANK_IN_FLIGHT : RANK_LEAVE;
    }
}

/* Behind those of its rank. */
static void insert(struct doubt_rows *rows, const struct doubt_row *row)
{
    unsigned at = rows->count;
    if (rows->count == DOUBT_ROWS)
        return;
    while (at > 0 && rows->rows[at - 1].rank > row->rank)
        at--;
    memmove(&rows->rows[at + 1], &rows->rows[at], (rows->count - at) * sizeof rows->rows[0]);
    rows->rows[at] = *row;
    rows->count++;
}

static void gather_untold(const struct model *model, const struct model_txn *txn, struct doubt_rows *out)
{
    for (uint8_t i = 0; i < txn->branch_count && i < XATOP_BRANCHES_MAX; i++) {
        unsigned state = txn->branches[i].state;
        if (state == BRANCH_COMMITTED || state == BRANCH_ROLLED_BACK ||
            model_verdict_find(model, txn->epoch, txn->txn, (uint8_t)(i + 1)))
            continue;
        insert(out, &(struct doubt_row){.txn = txn,
                                        .branch = (uint8_t)(i + 1),
                                        .node = txn->branches[i].node,
                                        .rank = RANK_UNTOLD});
    }
}

void doubt_gather(const struct model *model, struct doubt_rows *out)
{
    out->count = 0;
    for (unsigned i = 0; i < model->sweep.count; i++) {
        const struct model_verdict *verdict = &model->sweep.verdicts[i];
        if (verdict->old)
            continue;
        insert(out, &(struct doubt_row){
                        .verdict = verdict,
                        .txn = verdict->txn ? model_txn_find(model, verdict->epoch, verdict->txn) : NULL,
                        .branch = verdict->branch,
                        .node = verdict->node,
                        .rank = rank_of(verdict)});
    }
    const struct model_txn *txn;
    for (unsigned age = 0; (txn = model_txn_at(model, age)); age++)
        if (model_txn_in_doubt(txn) &&
            !(txn->recovered && txn->state == TXN_ACTIVE)) /* only seen, nothing decided */
            gather_untold(model, txn, out);
}

bool doubt_foreign(const struct doubt_row *row)
{
    return row->verdict && row->verdict->verdict == VERDICT_FOREIGN;
}

static void key_of(const struct doubt_row *row, struct doubt_key *key)
{
    *key = (struct doubt_key){.branch = row->branch, .node = row->node};
    if (row->txn) {
        key->txn = row->txn->txn;
        key->epoch = row->txn->epoch;
    } else if (row->verdict) {
        key->txn = row->verdict->txn;
        key->epoch = row->verdict->epoch;
    }
    if (row->verdict && key->txn == 0)
        text_copy(key->xid, sizeof key->xid, row->verdict->xid);
}

void doubt_select(struct ui *ui, const struct doubt_row *row)
{
    ui->doubt = (struct doubt_key){.txn = 0};
    if (row)
        key_of(row, &ui->doubt);
}

int doubt_selected(const struct ui *ui, const struct doubt_rows *rows)
{
    const struct doubt_key *wanted = &ui->doubt;
    if (wanted->txn == 0 && !wanted->xid[0])
        return rows->count > 0 ? 0 : -1;
    for (unsigned i = 0; i < rows->count; i++) {
        struct doubt_key key;
        key_of(&rows->rows[i], &key);
        if (key.txn == wanted->txn && key.epoch == wanted->epoch && key.branch == wanted->branch &&
            (key.txn != 0 || (key.node == wanted->node && strcmp(key.xid, wanted->xid) == 0)))
            return (int)i;
    }
    return -1;
}

/* --- words --- */

const char *doubt_word(const struct doubt_row *row, enum style *style)
{
    static const struct {
        const char *word;
        enum style style;
    } words[] = {
        [VERDICT_COMMIT] = {N_("COMMIT"), STYLE_WARN},      [VERDICT_ROLLBACK] = {N_("ROLLBACK"), STYLE_WARN},
        [VERDICT_LEAVE] = {N_("LEAVE"), STYLE_BUSY},        [VERDICT_FOREIGN] = {N_("FOREIGN"), STYLE_DIM},
        [VERDICT_AMBIGUOUS] = {N_("AMBIGUOUS"), STYLE_BAD},
    };
    *style = STYLE_GOOD;
    if (row->rank == DOUBT_RANK_DONE)
        return _("done");
    if (row->verdict) {
        *style = words[row->verdict->verdict].style;
        return _(words[row->verdict->verdict].word);
    }
    *style = STYLE_WARN;
    switch (row->txn->state) {
    case TXN_COMMITTING:
    case TXN_COMMITTED:
        return _("COMMIT?");
    case TXN_ROLLING_BACK:
    case TXN_ROLLED_BACK:
        return _("ROLLBACK?");
    default:
        *style = STYLE_BAD;
        return _("UNKNOWN");
    }
}

void doubt_name(const struct doubt_row *row, struct text *out)
{
    uint64_t txn = row->txn ? row->txn->txn : row->verdict->txn;
    if (txn)
        text_printf(out, "#%" PRIu64 "/%u", txn, row->branch);
    else
        text_append(out, row->verdict->maker[0] ? row->verdict->maker : _("foreign"));
}

void doubt_why(const struct doubt_row *row, struct text *out)
{
    if (row->rank == DOUBT_RANK_DONE)
        text_append(out, _("finished since it was seen"));
    else if (row->verdict)
        text_append(out, recovery_rule_words(row->verdict->rule));
    else if (row->txn->state == TXN_IN_DOUBT || row->txn->state == TXN_OUTCOME_UNKNOWN)
        text_append(out,
                    _("nobody here knows what the decision log holds: it is opened anew at the next start"));
    else if (row->txn->state == TXN_COMMITTING || row->txn->state == TXN_ROLLING_BACK)
        text_append(out, _("decided; this node could not be told yet, and no look has seen the branch"));
    else
        text_append(out, _("not decided yet"));
}

void doubt_evidence(const struct ui *ui, const struct doubt_row *row, struct text *out)
{
    const struct model_verdict *verdict = row->verdict;
    size_t begin = out->len;
    if (!verdict)
        return;
    if (verdict->epoch)
        text_printf(out, _("epoch %u of %u"), verdict->epoch, ui->model.epoch);
    if (verdict->log_lsn)
        text_printf(out, _("%sCOMMIT record at lsn %" PRIu64), out->len > begin ? "; " : "",
                    verdict->log_lsn);
    if (verdict->holder)
        text_printf(out, _("%sheld by connection %" PRIu64), out->len > begin ? "; " : "", verdict->holder);
    for (unsigned i = 0; i < ui->model.node_count; i++)
        if (verdict->committed_on & 1u << i)
            text_printf(out, _("%scommitted on %s"), out->len > begin ? "; " : "", ui->model.nodes[i].name);
}

void doubt_retry(const struct ui *ui, const struct doubt_row *row, struct text *out)
{
    if (!row->txn || row->branch < 1 || row->branch > XATOP_BRANCHES_MAX || row->rank == DOUBT_RANK_DONE)
        return;
    const struct model_branch *branch = &row->txn->branches[row->branch - 1];
    if (branch->state == BRANCH_BACKOFF) {
        int64_t left_us = branch->retry_at_us - ui->now_us;
        text_printf(out, _("try %u "), branch->tries + 1u);
        if (left_us <= 0)
            text_append(out, _("now"));
        else
            text_printf(out, _("in %.1f s"), (double)left_us / 1e6);
    } else if (branch->state == BRANCH_FENCING || branch->state == BRANCH_SETTLING ||
               branch->state == BRANCH_RESOLVING) {
        bool away = row->node >= 1 && row->node <= ui->model.node_count &&
                    ui->model.nodes[row->node - 1].state == NODE_DOWN;
        text_append(out, away ? _("waits for the node") : branch_state_name(branch->state));
    }
}
