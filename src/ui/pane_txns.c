#include "config.h"

#include "pane.h"

#include <inttypes.h>

enum { WIDE_W = 100, PHASES_W = 150 };

/* How many newer transactions than the selected one are listed. */
static unsigned selected_age(const struct ui *ui)
{
    const struct model_txn *txn;
    for (unsigned age = 0; ui->selected_txn != 0 && (txn = model_txn_at(&ui->model, age)) != NULL; age++)
        if (txn->txn == ui->selected_txn && txn->epoch == ui->selected_epoch)
            return age;
    return 0;
}

void pane_txns_title(const struct ui *ui, struct text *left, struct text *right)
{
    unsigned unfinished = model_unfinished(&ui->model);
    text_printf(right, _("%u unfinished  %u listed"), unfinished, ui->model.txn_count);
}

/* "alpha:P beta:C" */
static void branches(const struct ui *ui, const struct model_txn *txn, struct text *out)
{
    for (unsigned i = 0; i < txn->branch_count; i++)
        if (txn->branches[i].node)
            text_printf(out, "%s%s:%c", out->len ? " " : "", ui_node_name(ui, txn->branches[i].node),
                        words_branch_letter(txn->branches[i].state));
}

/* Time from entering one state to entering the next: work, vote, log, finish. */
static void phases(const struct model_txn *txn, struct text *out)
{
    static const struct {
        const char *word;
        enum txn_state from, to, or_to;
    } rows[] = {
        {N_("work"), TXN_ACTIVE, TXN_PREPARING, TXN_ROLLING_BACK},
        {N_("vote"), TXN_PREPARING, TXN_DECIDING, TXN_ROLLING_BACK},
        {N_("log"), TXN_DECIDING, TXN_COMMITTING, TXN_IN_DOUBT},
        {N_("finish"), TXN_COMMITTING, TXN_COMMITTED, TXN_COMMITTED},
        {N_("undo"), TXN_ROLLING_BACK, TXN_ROLLED_BACK, TXN_ROLLED_BACK},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t from = txn->at_us[rows[i].from];
        int64_t to = txn->at_us[rows[i].to] ? txn->at_us[rows[i].to] : txn->at_us[rows[i].or_to];
        if (from == 0 || to < from)
            continue;
        char ms[WORDS_MAX];
        words_ms(to - from, ms);
        text_printf(out, "%s%s %s", out->len ? "  " : "", _(rows[i].word), ms);
    }
}

static void txn_row(struct ui *ui, struct area area, int y, const struct model_txn *txn)
{
    enum { MEANING_W = 34 };
    bool wide = area.w >= WIDE_W;
    enum style style;
    const char *state = words_txn_state(txn, &style);
    char clock[WORDS_MAX], ms[WORDS_MAX], buffer[XATOP_REASON_MAX * 2];
    words_clock(txn->begun_wall_ms, wide, clock);
    words_ms(txn_elapsed_us(ui, txn), ms);
    int x = 2;
    char number[WORDS_MAX];
    struct text text;
    text_init(&text, number, sizeof number);
    text_printf(&text, "%" PRIu64, txn->txn);
    area_text_in(area, x + 6 - canvas_columns(area.canvas, number), y, 12, STYLE_NORMAL, number);
    x += 7;
    if (area.w >= 70)
        x += area_text(area, x, y, STYLE_DIM, clock) + 1;
    area_text_in(area, x, y, 12, style, state);
    x += 13;
    area_text_in(area, x + 7 - canvas_columns(area.canvas, ms), y, 7, STYLE_NORMAL, ms);
    x += 9;
    if (wide) {
        text_init(&text, buffer, sizeof buffer);
        branches(ui, txn, &text);
        area_text_in(area, x, y, 18, STYLE_NORMAL, buffer);
        x += 20;
    }
    text_init(&text, buffer, sizeof buffer);
    if (area.w >= PHASES_W) {
        phases(txn, &text);
        area_text_in(area, x, y, 48, STYLE_DIM, buffer);
        x += 50;
    }
    text_init(&text, buffer, sizeof buffer);
    text_append(&text, txn->meaning[0] ? txn->meaning : _("found by recovery"));
    if (txn->retry > 0)
        text_printf(&text, _(" (retry %u)"), txn->retry);
    bool split = txn->reason[0] && area.w - x > MEANING_W + 20;
    area_text_in(area, x, y, split ? MEANING_W : area.w - x, STYLE_NORMAL,
                 txn->reason[0] && !split ? txn->reason : buffer);
    if (split)
        area_text_in(area, x + MEANING_W + 1, y, area.w - x - MEANING_W - 1, style, txn->reason);
    else if (txn->faulted)
        area_text(area, area.w - 1, y, STYLE_BAD, "!");
}

static void heads(struct area area)
{
    int x = 2;
    area_text(area, x + 4, 0, STYLE_DIM, "id");
    x += 7;
    if (area.w >= 70) {
        area_text(area, x, 0, STYLE_DIM, _("begun"));
        x += area.w >= WIDE_W ? 13 : 9;
    }
    area_text(area, x, 0, STYLE_DIM, _("state"));
    area_text(area, x + 18, 0, STYLE_DIM, "ms");
    x += 22;
    if (area.w >= WIDE_W) {
        area_text(area, x, 0, STYLE_DIM, _("branches"));
        x += 20;
    }
    if (area.w >= PHASES_W) {
        area_text(area, x, 0, STYLE_DIM, _("ms per phase"));
        x += 50;
    }
    area_text(area, x, 0, STYLE_DIM, _("what, or why not"));
}

void pane_txns_draw(struct ui *ui, struct area area)
{
    if (ui->model.txn_count == 0) {
        area_text_in(area, 1, 0, area.w - 1, STYLE_DIM, _("none yet"));
        return;
    }
    int head = area.h >= 3;
    if (head)
        heads(area);
    struct area list = area_sub(area, 0, head, area.w, area.h - head);
    int age = (int)selected_age(ui);
    int first = age >= list.h ? age - list.h + 1 : 0;
    for (int y = 0; y < list.h; y++) {
        const struct model_txn *txn = model_txn_at(&ui->model, (unsigned)(first + y));
        if (!txn)
            break;
        txn_row(ui, list, y, txn);
        if (ui->kept && txn->txn == ui->kept_txn.txn && txn->epoch == ui->kept_txn.epoch)
            area_glyph(list, 0, y, STYLE_BOLD, GLYPH_SELECTED); /* its trace is shown */
        if (first + y == age && ui->focus == PANE_TXNS) {
            area_style(list, 0, y, list.w, STYLE_SELECT);
            list.canvas->cursor_x = list.x;
            list.canvas->cursor_y = list.y + y;
        }
    }
}

void pane_txns_move(struct ui *ui, int rows)
{
    int last = (int)ui->model.txn_count - 1, age = (int)selected_age(ui) + rows;
    age = age > last ? last : age;
    const struct model_txn *txn = age <= 0 ? NULL : model_txn_at(&ui->model, (unsigned)age);
    ui->selected_txn = txn ? txn->txn : 0; /* at the top: the newest, whichever it will be */
    ui->selected_epoch = txn ? txn->epoch : 0;
}
