#include "config.h"

#include "xatop/ui.h"

#include <string.h>

#include "pane.h"

enum { TOAST_US = 6 * 1000000, HOLD_US = 2 * 1000000 };
enum { LOOK_US = 3 * 1000000, QUIET_LOOK_US = 6 * 1000000 }; /* with something in doubt, and without */

static const struct pane_kind kinds[] = {
#define X(code, prefix, key, title, help)                                                                    \
    {{#prefix, N_(title), N_(help), key}, pane_##prefix##_title, pane_##prefix##_draw, pane_##prefix##_move},
    XATOP_PANE_LIST(X)
#undef X
};

const struct pane_kind *pane_kind(enum pane pane)
{
    return &kinds[pane];
}

const struct pane_row *pane_rows(size_t *count)
{
    static const struct pane_row rows[] = {
#define X(code, prefix, key, title, help) {#prefix, N_(title), N_(help), key},
        XATOP_PANE_LIST(X)
#undef X
    };
    *count = sizeof rows / sizeof rows[0];
    return rows;
}

void ui_init(struct ui *ui, const struct console_ports *ports, int64_t now_us)
{
    memset(ui, 0, sizeof *ui);
    model_init(&ui->model, NULL, 0);
    ui->ports = ports;
    ui->focus = PANE_TXNS;
    ui->ascii = ports->ascii;
    ui->refresh_ms = ports->refresh_ms > 0 ? ports->refresh_ms : 1000;
    ui->follow = true;
    ui->palette.nth = 1;
    ui->now_us = now_us;
}

void ui_toast(struct ui *ui, int level, const char *words, int64_t now_us)
{
    text_sanitise_cstr(ui->toast, sizeof ui->toast, words);
    ui->toast_level = level;
    ui->toast_until_us = now_us + TOAST_US;
    const struct model_notice *newest = model_notice_at(&ui->model, 0);
    ui->seen_notice = newest ? newest->number : 0;
}

void ui_paste(struct ui *ui, int64_t now_us)
{
    ui_toast(ui, 1, _("a paste is never taken as keys"), now_us);
}

/* What is worth following while streams run: the newest with a vote, of several branches (with a node away that is one that
 * waits for it); else the newest. */
static const struct model_txn *newest_of_a_stream(const struct model *model)
{
    for (unsigned age = 0; age < model->txn_count; age++) {
        const struct model_txn *txn = model_txn_at(model, age);
        if (txn && txn->branch_count > 1 && model_trace_find(model, txn->epoch, txn->txn))
            return txn;
    }
    return model_txn_at(model, 0);
}

/* Which transaction the trace pane shows. While streams run, the followed one stays long enough to be read, also if the
 * list has let it go meanwhile. */
static void keep(struct ui *ui)
{
    const struct model_txn *wanted = NULL;
    if (!ui->follow) {
        wanted = model_txn_find(&ui->model, ui->shown_epoch, ui->shown_txn);
    } else if (ui->status.transfers == 0 && ui->status.orders == 0) {
        wanted = model_txn_at(&ui->model, 0);
    } else if (ui->kept && ui->now_us < ui->held_until_us) {
        wanted = model_txn_find(&ui->model, ui->kept_txn.epoch, ui->kept_txn.txn);
    } else {
        wanted = newest_of_a_stream(&ui->model);
        ui->held_until_us = ui->now_us + HOLD_US;
    }
    if (!wanted)
        return; /* gone from the model: what was kept of it stays */
    if (!ui->kept || wanted->txn != ui->kept_txn.txn || wanted->epoch != ui->kept_txn.epoch) {
        ui->kept_trace.count = ui->kept_trace.lost = 0;
        ui->trace_scroll = 0;
    }
    ui->kept = true;
    ui->kept_txn = *wanted;
    const struct model_trace *trace = model_trace_find(&ui->model, wanted->epoch, wanted->txn);
    if (trace)
        ui->kept_trace = *trace;
}

static void take_answers(struct ui *ui, int64_t now_us)
{
    struct console_answer answer;
    while (ui->ports->answer && ui->ports->answer(ui->ports->ctx, &answer))
        if (answer.xid[0]) {
            text_sanitise_cstr(ui->waiters_xid, sizeof ui->waiters_xid, answer.xid);
            text_sanitise_cstr(ui->waiters, sizeof ui->waiters, answer.words);
        } else {
            ui_toast(ui, answer.level, answer.words, now_us);
        }
}

/* While the pane of doubts is on the screen it must not grow old: recovery looks, and does nothing. */
static void look(struct ui *ui)
{
    const struct model_sweep *sweep = &ui->model.sweep;
    int64_t pause_us = sweep->count > 0 || model_in_doubt(&ui->model) > 0 ? LOOK_US : QUIET_LOOK_US;
    if (!ui->doubts_shown || ui->now_us < ui->look_at_us ||
        (sweep->known && ui->now_us - sweep->mono_us < pause_us))
        return;
    struct err err = {.status = STATUS_OK};
    ui->look_at_us = ui->now_us + pause_us;
    ui->ports->wish(ui->ports->ctx, &(struct console_request){.wish = WISH_LOOK}, &err);
}

bool ui_refresh(struct ui *ui, int64_t now_us, int64_t wall_ms)
{
    const struct console_ports *ports = ui->ports;
    take_answers(ui, now_us);
    if (ui->frozen)
        return ports->snapshot(ports->ctx, ui->status.generation, NULL, &ui->status);
    bool news = ports->snapshot(ports->ctx, ui->status.generation, &ui->model, &ui->status);
    ui->now_us = now_us;
    ui->wall_ms = wall_ms;
    model_advance(&ui->model, now_us);
    if (ui->node >= ui->model.node_count)
        ui->node = 0;
    if (ui->selected_txn != 0 && !model_txn_find(&ui->model, ui->selected_epoch, ui->selected_txn))
        ui->selected_txn = 0;
    keep(ui);
    look(ui);
    return news;
}

void ui_draw(struct ui *ui, struct canvas *canvas)
{
    canvas->ascii = ui->ascii;
    canvas_clear(canvas);
    struct area screen = canvas_area(canvas);
    struct layout layout;
    ui_layout(ui, screen, &layout);
    ui_header_draw(ui, layout.header);
    ui_banner_draw(ui, layout.banner);
    ui->doubts_shown = layout.panes[PANE_DOUBT].w >= 2 && !ui->frozen;
    if (layout.small) {
        ui_small_draw(ui, layout.body);
    } else {
        for (unsigned i = 0; i < PANES; i++) {
            struct area area = layout.panes[i];
            if (area.w < 2 || area.h < 2)
                continue;
            char left_buffer[XATOP_REASON_MAX + 64], right_buffer[64];
            struct text left, right;
            text_init(&left, left_buffer, sizeof left_buffer);
            text_init(&right, right_buffer, sizeof right_buffer);
            text_printf(&left, "%c %s", kinds[i].row.key, _(kinds[i].row.title));
            kinds[i].title(ui, &left, &right);
            bool focus = i == ui->focus;
            struct area inner = area_box(area, focus ? STYLE_FOCUS : STYLE_BORDER,
                                         focus ? STYLE_FOCUS : STYLE_TITLE, left_buffer, right_buffer);
            kinds[i].draw(ui, inner);
        }
    }
    ui_footer_draw(ui, layout.footer);
    ui_notice_draw(ui, layout.notice);
    ui_overlay_draw(ui, screen);
}
