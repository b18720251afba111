#include "config.h"

#include "pane.h"

#include <inttypes.h>
#include <string.h>

/* Enter on a branch in doubt: what is known of it, and recovery if the answer is yes. f goes on to force it by hand: commit or roll back,
 * a reason, and the first characters of its xid, so that nobody does it to another one by mistake. */

enum { WINDOW_W = 74, BRANCH_H = 14, FORCE_H = 13, LABEL_W = 13, XID_CHARACTERS = 4 };

static struct doubt_rows rows; /* one thread draws */

/* The row that the dialog is about; NULL: it is listed no more. */
static const struct doubt_row *row_of(const struct ui *ui)
{
    doubt_gather(&ui->model, &rows);
    int at = doubt_selected(ui, &rows);
    return at < 0 ? NULL : &rows.rows[at];
}

static bool recovers(const struct doubt_row *row)
{
    return row->verdict && row->rank != DOUBT_RANK_DONE &&
           (row->verdict->verdict == VERDICT_COMMIT || row->verdict->verdict == VERDICT_ROLLBACK);
}

/* What a look has seen can be named; somebody else's is not ours to touch, and what is in flight is in good hands. */
static bool forceable(const struct doubt_row *row)
{
    return row->verdict && row->rank != DOUBT_RANK_DONE && !doubt_foreign(row) &&
           row->verdict->rule != RULE_IN_FLIGHT;
}

void branch_open(struct ui *ui)
{
    const struct doubt_row *row = row_of(ui);
    if (!row && rows.count > 0)
        row = &rows.rows[0];
    if (!row)
        return;
    doubt_select(ui, row); /* it stays this one, whatever comes before it */
    ui->overlay = OVERLAY_BRANCH;
    ui->waiters_xid[0] = '\0';
    if (!row->verdict || doubt_foreign(row) || row->rank == DOUBT_RANK_DONE)
        return;
    struct err err = {.status = STATUS_OK};
    struct console_request request = {
        .wish = WISH_WAITERS, .number = (uint16_t)(row->node - 1u), .xid = row->verdict->xid};
    text_copy(ui->waiters_xid, sizeof ui->waiters_xid, row->verdict->xid);
    text_copy(ui->waiters, sizeof ui->waiters,
              ui->ports->wish(ui->ports->ctx, &request, &err) == STATUS_OK ? _("asking the node") : err.text);
}

void branch_key(struct ui *ui, int key, int64_t now_us)
{
    const struct doubt_row *row = row_of(ui);
    bool may = row && !ui->ports->read_only;
    ui->overlay = OVERLAY_NONE;
    if (may && recovers(row) && (key == 'y' || key == 'Y')) {
        ui_wish(ui, &(struct console_request){.wish = WISH_RECOVER}, _("recovery pass begun"), now_us);
    } else if (may && forceable(row) && key == 'f') {
        ui->force = (struct force_form){.field = FORCE_WHAT};
        ui->overlay = OVERLAY_FORCE;
    } else if (may && recovers(row)) {
        ui_toast(ui, 0, _("nothing was done"), now_us);
    }
}

/* --- drawing --- */

static int labelled(struct area area, int y, const char *label, enum style style, const char *words)
{
    if (!words[0] || y >= area.h)
        return y;
    area_text_in(area, 1, y, LABEL_W - 1, STYLE_DIM, label);
    return y + area_wrapped(area, LABEL_W + 1, y, area.w - LABEL_W - 2, area.h - y, style, words);
}

/* What is known of the branch; returns the next line. */
static int facts(const struct ui *ui, struct area area, const struct doubt_row *row)
{
    char buffer[XATOP_REASON_MAX * 3];
    struct text text;
    enum style style, state_style;
    int y = labelled(area, 0, _("xid"), STYLE_NORMAL, row->verdict ? row->verdict->xid : "");
    text_init(&text, buffer, sizeof buffer);
    if (row->txn) {
        text_printf(&text, "#%" PRIu64 " ", row->txn->txn);
        text_append(&text, row->txn->meaning[0] ? row->txn->meaning : _("found by recovery"));
        text_printf(&text, ", %s", words_txn_state(row->txn, &state_style));
    }
    y = labelled(area, y, _("transaction"), STYLE_NORMAL, buffer);
    text_init(&text, buffer, sizeof buffer);
    text_append(&text, ui_node_name(ui, row->node));
    if (row->node >= 1 && row->node <= ui->model.node_count)
        text_printf(&text, " (%s)", words_node_state(ui->model.nodes[row->node - 1].state, &state_style));
    y = labelled(area, y, _("node"), STYLE_NORMAL, buffer);
    y = labelled(area, y, _("verdict"), doubt_word(row, &style) ? style : STYLE_NORMAL,
                 doubt_word(row, &style));
    text_init(&text, buffer, sizeof buffer);
    doubt_why(row, &text);
    y = labelled(area, y, _("because"), STYLE_NORMAL, buffer);
    text_init(&text, buffer, sizeof buffer);
    doubt_evidence(ui, row, &text);
    y = labelled(area, y, _("evidence"), STYLE_NORMAL, buffer);
    text_init(&text, buffer, sizeof buffer);
    doubt_retry(ui, row, &text);
    y = labelled(area, y, _("meanwhile"), STYLE_NORMAL, buffer);
    if (row->verdict && ui->waiters_xid[0] && strcmp(ui->waiters_xid, row->verdict->xid) == 0)
        y = labelled(area, y, _("waiting"), STYLE_NORMAL, ui->waiters);
    return y;
}

static const char *branch_question(const struct ui *ui, const struct doubt_row *row)
{
    if (!row)
        return _("it is not listed any more; any key closes");
    if (doubt_foreign(row))
        return _("somebody else's: only to be looked at; any key closes");
    if (ui->ports->read_only)
        return _("read-only; any key closes");
    if (recovers(row))
        return _("Recover now, all that is ours? (y/N)   f by hand");
    if (forceable(row))
        return _("recovery leaves it alone; f by hand, any other key closes");
    return _("any key closes");
}

void branch_draw(const struct ui *ui, struct area screen)
{
    const struct doubt_row *row = row_of(ui);
    struct area inner = ui_window(screen, WINDOW_W, BRANCH_H, _("Branch in doubt"), "");
    if (row && inner.h > 1)
        facts(ui, area_sub(inner, 0, 0, inner.w, inner.h - 1), row);
    const char *question = branch_question(ui, row);
    int w = canvas_columns(inner.canvas, question);
    /* too narrow: the end, with the answer, matters most */
    area_text(inner, inner.w > w ? 1 : inner.w - w, inner.h - 1, STYLE_BOLD, question);
}

/* --- by hand --- */

static void start_of_xid(const struct doubt_row *row, char out[XID_CHARACTERS + 1])
{
    text_copy(out, XID_CHARACTERS + 1, row->verdict->xid);
}

static const char *missing(const struct ui *ui, const struct doubt_row *row)
{
    char start[XID_CHARACTERS + 1];
    if (!row || !forceable(row))
        return _("it is not in doubt any more");
    start_of_xid(row, start);
    if (!ui->force.chosen)
        return _("say whether to commit or to roll back: c or r in the first field");
    if (strspn(ui->force.reason, " ") == strlen(ui->force.reason))
        return _("say why: the reason stays in the log");
    if (strcmp(ui->force.xid, start) != 0)
        return _("the first 4 characters of the xid are others");
    return NULL;
}

static void force_now(struct ui *ui, int64_t now_us)
{
    const struct doubt_row *row = row_of(ui);
    const char *what = missing(ui, row);
    if (what) {
        text_copy(ui->force.missing, sizeof ui->force.missing, what);
        return;
    }
    enum verdict opposite = ui->force.commit ? VERDICT_ROLLBACK : VERDICT_COMMIT;
    bool against = row->verdict->verdict == opposite;
    if (against && !ui->force.against) {
        ui->force.against = true;
        text_copy(ui->force.missing, sizeof ui->force.missing,
                  _("AGAINST THE VERDICT: the books may not agree. Enter again does it"));
        return;
    }
    ui->overlay = OVERLAY_NONE;
    ui_wish(ui,
            &(struct console_request){.wish = WISH_FORCE,
                                      .number = (ui->force.commit ? CONSOLE_FORCE_COMMIT : 0) |
                                                (against ? CONSOLE_FORCE_AGAINST : 0),
                                      .words = ui->force.reason,
                                      .xid = row->verdict->xid},
            ui->force.commit ? _("committing it by hand") : _("rolling it back by hand"), now_us);
}

static void choose(struct ui *ui, bool commit)
{
    ui->force.commit = commit;
    ui->force.chosen = true;
    ui->force.field = FORCE_REASON;
}

static void give_up(struct ui *ui, int64_t now_us)
{
    ui->overlay = OVERLAY_NONE;
    ui_toast(ui, 0, _("nothing was done"), now_us);
}

void force_key(struct ui *ui, int raw, int key, int64_t now_us)
{
    struct force_form *form = &ui->force;
    form->missing[0] = '\0';
    form->against &= key == '\r';
    if (raw == UI_KEY_ESCAPE || (form->field == FORCE_WHAT && (raw == 'q' || raw == UI_KEY_BACKSPACE))) {
        give_up(ui, now_us);
    } else if (raw == '\t' || raw == UI_KEY_DOWN) {
        form->field = (uint8_t)((form->field + 1) % FORCE_FIELDS);
    } else if (raw == UI_KEY_BACKTAB || raw == UI_KEY_UP) {
        form->field = (uint8_t)((form->field + FORCE_FIELDS - 1) % FORCE_FIELDS);
    } else if (key == '\r') {
        if (form->field == FORCE_XID)
            force_now(ui, now_us);
        else
            form->field++;
    } else if (form->field == FORCE_WHAT) {
        if (raw == 'c' || raw == 'r')
            choose(ui, raw == 'c');
    } else {
        bool xid = form->field == FORCE_XID;
        bool taken =
            edit_key(xid ? form->xid : form->reason, xid ? sizeof form->xid : sizeof form->reason, raw);
        if (!taken && raw == UI_KEY_BACKSPACE)
            form->field--;
    }
}

static void field(const struct ui *ui, struct area area, int y, enum force_field which, const char *label,
                  const char *words)
{
    bool here = ui->force.field == which;
    area_text_in(area, area.w > 20, y, LABEL_W - 1, here ? STYLE_FOCUS : STYLE_DIM, label);
    int room = area.w - LABEL_W - 3, w = canvas_columns(area.canvas, words);
    if (room < 0) /* narrower than its label */
        room = 0;
    size_t skip = w > room ? (size_t)(w - room) : 0;
    while (skip > 0 && ((unsigned char)words[skip] & 0xc0) == 0x80)
        skip++;
    int x = LABEL_W + 1 + area_text(area, LABEL_W + 1, y, STYLE_BOLD, words + skip);
    if (!here)
        return;
    area_text(area, x, y, STYLE_SELECT, " ");
    area_cursor(area, x, y);
}

void force_draw(const struct ui *ui, struct area screen)
{
    const struct doubt_row *row = row_of(ui);
    const struct force_form *form = &ui->force;
    struct area inner = ui_window(screen, WINDOW_W, FORCE_H, _("Finish a branch by hand"), "");
    enum { FIELDS_H = 5 };
    int y = inner.h > FIELDS_H ? inner.h - FIELDS_H : 0;
    if (row && y > 0)
        facts(ui, area_sub(inner, 0, 0, inner.w, y), row);
    field(ui, inner, y, FORCE_WHAT, _("do"),
          !form->chosen  ? _("c commit, r roll back: ")
          : form->commit ? _("COMMIT ")
                         : _("ROLL BACK "));
    field(ui, inner, y + 1, FORCE_REASON, _("reason"), form->reason);
    field(ui, inner, y + 2, FORCE_XID, _("xid, first 4"), form->xid);
    if (form->missing[0])
        area_text_in(inner, 1, y + 3, inner.w - 2, STYLE_BAD, form->missing);
    area_text_in(inner, inner.w > 20, y + 4, inner.w - 1, STYLE_KEY,
                 _("Enter next field, at the end do it  Tab Up fields  Esc nothing is done"));
}
