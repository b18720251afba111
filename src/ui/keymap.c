#include "config.h"

#include <stdio.h>

#include "pane.h"

/* One list is dispatch, footer, overlay and manual: key_list.h. */

static const struct key_row rows[] = {
#define X(code, key, shown, word, effect, help) {key, shown, N_(word), N_(help), EFFECT_##effect},
    XATOP_KEY_LIST(X)
#undef X
};

const struct key_row *key_rows(size_t *count)
{
    *count = sizeof rows / sizeof rows[0];
    return rows;
}

static int unalias(int key)
{
    switch (key) {
#define X(alias, meant)                                                                                      \
    case alias:                                                                                              \
        return meant;
        XATOP_KEY_ALIAS_LIST(X)
#undef X
    default:
        return key;
    }
}

bool ui_wish(struct ui *ui, const struct console_request *request, const char *said, int64_t now_us)
{
    struct err err = {.status = STATUS_OK};
    if (ui->ports->wish(ui->ports->ctx, request, &err) != STATUS_OK) {
        ui_toast(ui, 1, err.text, now_us);
        return false;
    }
    if (said)
        ui_toast(ui, 0, said, now_us);
    return true;
}

static bool wish(struct ui *ui, enum console_wish what, uint16_t number, const char *said, int64_t now_us)
{
    return ui_wish(ui, &(struct console_request){.wish = what, .number = number}, said, now_us);
}

/* 1, 4, 16, 64 in flight; 64 is the top. What was wished counts at once: the next key may come before the next snapshot. */
static void faster_stream(struct ui *ui, enum console_wish what, uint16_t *now, int64_t now_us)
{
    enum { TOP = 64 };
    uint16_t next = *now == 0 ? 1 : *now * 4 > TOP ? TOP : (uint16_t)(*now * 4);
    char words[80];
    snprintf(words, sizeof words,
             what == WISH_TRANSFERS ? _("transfers in flight: %u (0 stops)")
                                    : _("orders in flight: %u (0 stops)"),
             next);
    if (wish(ui, what, next, words, now_us))
        *now = next;
}

static void stop_streams(struct ui *ui, int64_t now_us)
{
    if (wish(ui, WISH_TRANSFERS, 0, NULL, now_us))
        ui->status.transfers = 0;
    if (wish(ui, WISH_ORDERS, 0, _("streams stopped"), now_us))
        ui->status.orders = 0;
}

static void refresh_step(struct ui *ui, bool faster, int64_t now_us)
{
    static const int64_t steps_ms[] = {200, 500, 1000, 2000, 5000, 10000};
    enum { STEPS = sizeof steps_ms / sizeof steps_ms[0] };
    unsigned i = 0;
    while (i < STEPS - 1 && steps_ms[i] < ui->refresh_ms)
        i++;
    if (faster && i > 0)
        i--;
    else if (!faster && i < STEPS - 1)
        i++;
    ui->refresh_ms = steps_ms[i];
    char words[64];
    snprintf(words, sizeof words, _("refresh every %.1f s"), (double)ui->refresh_ms / 1000);
    ui_toast(ui, 0, words, now_us);
}

static void open_trace(struct ui *ui)
{
    if (ui->focus == PANE_DOUBT) {
        branch_open(ui);
        return;
    }
    if (ui->focus != PANE_TXNS) {
        ui->zoom = !ui->zoom;
        return;
    }
    const struct model_txn *txn = ui->selected_txn
                                      ? model_txn_find(&ui->model, ui->selected_epoch, ui->selected_txn)
                                      : model_txn_at(&ui->model, 0);
    if (!txn)
        return;
    ui->follow = false;
    ui->shown_txn = txn->txn;
    ui->shown_epoch = txn->epoch;
    ui->kept = true;
    ui->kept_txn = *txn;
    ui->kept_trace.count = ui->kept_trace.lost = 0;
    const struct model_trace *trace = model_trace_find(&ui->model, txn->epoch, txn->txn);
    if (trace)
        ui->kept_trace = *trace;
    ui->trace_scroll = 0;
    ui->focus = PANE_TRACE;
}

static void live(struct ui *ui)
{
    ui->follow = true;
    ui->selected_txn = 0;
}

/* Close the topmost thing that is open. */
static void back(struct ui *ui)
{
    if (ui->zoom)
        ui->zoom = false;
    else {
        if (ui->focus == PANE_TRACE && !ui->follow)
            ui->focus = PANE_TXNS;
        live(ui);
    }
}

static void freeze(struct ui *ui)
{
    ui->frozen = !ui->frozen;
    if (ui->frozen)
        ui->frozen_at = ui->status.generation;
    else
        ui->status.generation = 0; /* whatever was missed is fetched at once */
}

static void ask_to_quit(struct ui *ui)
{
    struct text text;
    text_init(&text, ui->unfinished, sizeof ui->unfinished);
    uint32_t unfinished = ui->ports->unfinished(ui->ports->ctx, &text);
    if (unfinished == 0 && ui->status.transfers == 0 && ui->status.orders == 0) {
        ui->quit = true;
        return;
    }
    ui->overlay = OVERLAY_QUIT;
    ui->quit_scroll = 0;
}

static void ask(struct ui *ui, enum key_code code, int64_t now_us)
{
    if (ui->model.node_count == 0) {
        ui_toast(ui, 1, _("no node is configured"), now_us);
        return;
    }
    ui->overlay = OVERLAY_ASK;
    ui->asked = code;
    ui->asked_node = ui->node;
}

static void do_to_node(struct ui *ui, enum console_wish what, const char *format, int64_t now_us)
{
    char words[96];
    struct text text;
    text_init(&text, words, sizeof words);
    text_append(&text, _(format));
    text_append(&text, " ");
    text_append(&text, ui_node_name(ui, ui->asked_node + 1u));
    wish(ui, what, ui->asked_node, words, now_us);
}

/* To make it good again hurts nobody. */
static void undo_or_ask(struct ui *ui, enum key_code code, int64_t now_us)
{
    enum node_state state = ui->node < ui->model.node_count ? ui->model.nodes[ui->node].state : NODE_UNKNOWN;
    ui->asked_node = ui->node;
    if (code == KEY_CODE_STOP_NODE && state == NODE_FROZEN)
        do_to_node(ui, WISH_GO_ON, N_("thawing"), now_us);
    else if (code == KEY_CODE_CUT && state == NODE_CUT)
        do_to_node(ui, WISH_HEAL, N_("healing the link of"), now_us);
    else
        ask(ui, code, now_us);
}

static void go(struct ui *ui, int by)
{
    ui->focus = (enum pane)(((int)ui->focus + by + PANES) % PANES);
}

static void act(struct ui *ui, enum key_code code, int64_t now_us)
{
    switch (code) {
    case KEY_CODE_TRANSFER:
        wish(ui, WISH_TRANSFER, 1, NULL, now_us);
        break;
    case KEY_CODE_ORDER:
        wish(ui, WISH_ORDER, 1, NULL, now_us);
        break;
    case KEY_CODE_TRANSFERS:
        faster_stream(ui, WISH_TRANSFERS, &ui->status.transfers, now_us);
        break;
    case KEY_CODE_ORDERS:
        faster_stream(ui, WISH_ORDERS, &ui->status.orders, now_us);
        break;
    case KEY_CODE_STOP:
        stop_streams(ui, now_us);
        break;
    case KEY_CODE_RECOVER:
        wish(ui, WISH_RECOVER, 0, _("recovery pass begun"), now_us);
        break;
    case KEY_CODE_FAULT:
        palette_open(ui);
        break;
    case KEY_CODE_DISARM:
        ui_wish(ui, &(struct console_request){.wish = WISH_ARM, .words = ""}, NULL, now_us);
        break;
    case KEY_CODE_KILL:
    case KEY_CODE_RESTART:
        ask(ui, code, now_us);
        break;
    case KEY_CODE_STOP_NODE:
    case KEY_CODE_CUT:
        undo_or_ask(ui, code, now_us);
        break;
    default:
        break;
    }
}

static void look(struct ui *ui, enum key_code code, int64_t now_us)
{
    enum { PAGE = 10 };
    void (*move)(struct ui *, int) = pane_kind(ui->focus)->move;
    switch (code) {
    case KEY_CODE_NEXT_PANE:
        go(ui, 1);
        break;
    case KEY_CODE_PREVIOUS_PANE:
        go(ui, -1);
        break;
    case KEY_CODE_UP:
        move(ui, -1);
        break;
    case KEY_CODE_DOWN:
        move(ui, 1);
        break;
    case KEY_CODE_PAGE_UP:
        move(ui, -PAGE);
        break;
    case KEY_CODE_PAGE_DOWN:
        move(ui, PAGE);
        break;
    case KEY_CODE_FIRST:
        move(ui, -MOVE_END);
        break;
    case KEY_CODE_LAST:
        move(ui, MOVE_END);
        break;
    case KEY_CODE_OPEN:
        open_trace(ui);
        break;
    case KEY_CODE_LIVE:
        live(ui);
        break;
    case KEY_CODE_ZOOM:
        ui->zoom = !ui->zoom;
        break;
    case KEY_CODE_FREEZE:
        freeze(ui);
        break;
    case KEY_CODE_FASTER:
    case KEY_CODE_SLOWER:
        refresh_step(ui, code == KEY_CODE_FASTER, now_us);
        break;
    case KEY_CODE_GLYPHS:
        ui->ascii = ui->ports->ascii || !ui->ascii;
        break;
    case KEY_CODE_REPAINT:
        ui->repaint = true;
        break;
    case KEY_CODE_HELP:
        ui->overlay = OVERLAY_HELP;
        ui->help_scroll = 0;
        break;
    case KEY_CODE_BACK:
        back(ui);
        break;
    case KEY_CODE_QUIT:
        ask_to_quit(ui);
        break;
    default:
        break;
    }
}

static void answered(struct ui *ui, bool yes, int64_t now_us)
{
    enum ui_overlay overlay = ui->overlay;
    ui->overlay = OVERLAY_NONE;
    if (overlay == OVERLAY_QUIT) {
        ui->quit = yes;
    } else if (yes) {
        switch (ui->asked) {
        case KEY_CODE_KILL:
            do_to_node(ui, WISH_KILL, N_("killing"), now_us);
            break;
        case KEY_CODE_STOP_NODE:
            do_to_node(ui, WISH_STOP_NODE, N_("freezing"), now_us);
            break;
        case KEY_CODE_CUT:
            do_to_node(ui, WISH_CUT, N_("cutting the link of"), now_us);
            break;
        default:
            do_to_node(ui, WISH_RESTART, N_("restarting"), now_us);
            break;
        }
    } else {
        ui_toast(ui, 0, _("nothing was done"), now_us);
    }
}

/* Help, and questions with yes and no. */
static void page_key(struct ui *ui, int key, int64_t now_us)
{
    int *scroll = ui->overlay == OVERLAY_HELP ? &ui->help_scroll : &ui->quit_scroll;
    if (key == UI_KEY_UP || key == UI_KEY_PAGE_UP) {
        *scroll -= key == UI_KEY_UP ? 1 : 8;
        *scroll = *scroll < 0 ? 0 : *scroll;
    } else if (key == UI_KEY_DOWN || key == UI_KEY_PAGE_DOWN) {
        *scroll += key == UI_KEY_DOWN ? 1 : 8; /* drawing stops it at the end */
    } else if (ui->overlay == OVERLAY_HELP) {
        if (key == 'q' || key == '?' || key == '\r' || key == UI_KEY_ESCAPE)
            ui->overlay = OVERLAY_NONE;
    } else {
        answered(ui, key == 'y' || key == 'Y', now_us);
    }
}

static void overlay_key(struct ui *ui, int raw, int key, int64_t now_us)
{
    if (ui->overlay == OVERLAY_FAULTS)
        palette_key(ui, raw, key, now_us);
    else if (ui->overlay == OVERLAY_BRANCH)
        branch_key(ui, key, now_us);
    else if (ui->overlay == OVERLAY_FORCE)
        force_key(ui, raw, key, now_us);
    else
        page_key(ui, key, now_us);
}

void ui_key(struct ui *ui, int key, int64_t now_us)
{
    int raw = key;
    key = unalias(key);
    if (key == 0x0c) { /* repaint works everywhere */
        ui->repaint = true;
        return;
    }
    if (ui->overlay != OVERLAY_NONE) {
        overlay_key(ui, raw, key, now_us);
        return;
    }
    for (unsigned i = 0; i < PANES; i++)
        if (key == pane_kind((enum pane)i)->row.key) {
            ui->focus = (enum pane)i;
            return;
        }
    for (unsigned i = 0; i < KEY_CODES; i++) {
        if (rows[i].key != key)
            continue;
        if (rows[i].effect == EFFECT_LOOK)
            look(ui, (enum key_code)i, now_us);
        else if (ui->ports->read_only)
            ui_toast(ui, 1, _("read-only: nothing that acts"), now_us);
        else
            act(ui, (enum key_code)i, now_us);
        return;
    }
    if (key < UI_KEY_UP) /* unknown function keys are silent */
        ui_toast(ui, 0, _("no such key here: ? lists them"), now_us);
}
