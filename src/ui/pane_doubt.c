#include "config.h"

#include "pane.h"

#include <inttypes.h>

/* Every prepared branch of every node: list above, the selected one in full below. */

enum { DETAIL_H = 5, LIST_H = 6, NODE_W = 9, VERDICT_W = 10, AGE_W = 8, NAME_W = 10, WORDS_W = 12 };

static struct doubt_rows rows; /* one thread draws */

static unsigned undecided(void)
{
    unsigned n = 0;
    for (unsigned i = 0; i < rows.count; i++) {
        const struct model_verdict *verdict = rows.rows[i].verdict;
        n += rows.rows[i].rank != DOUBT_RANK_DONE && !doubt_foreign(&rows.rows[i]) &&
             !(verdict && verdict->rule == RULE_IN_FLIGHT);
    }
    return n;
}

void pane_doubt_title(const struct ui *ui, struct text *left, struct text *right)
{
    const struct model_sweep *sweep = &ui->model.sweep;
    doubt_gather(&ui->model, &rows);
    text_printf(right, _("%u open"), undecided());
    if (!sweep->known)
        return;
    int64_t age_s = (ui->now_us - sweep->mono_us) / 1000000;
    text_printf(right, _("  seen %" PRId64 " s ago"), age_s < 0 ? 0 : age_s);
}

static int64_t age_us(const struct ui *ui, const struct doubt_row *row)
{
    int64_t since_us = row->txn ? row->txn->begun_us : row->verdict->first_us;
    return ui->now_us > since_us ? ui->now_us - since_us : 0;
}

static void row_draw(const struct ui *ui, struct area area, int y, const struct doubt_row *row, bool selected)
{
    char buffer[XATOP_REASON_MAX * 2];
    struct text text;
    enum style style;
    const char *word = doubt_word(row, &style);
    bool wide = area.w >= 76;
    int x = 2;
    if (selected)
        area_glyph(area, 0, y, STYLE_BOLD, GLYPH_SELECTED);
    text_init(&text, buffer, sizeof buffer);
    doubt_name(row, &text);
    area_text_in(area, x, y, NAME_W - 1, selected ? STYLE_BOLD : STYLE_NORMAL, buffer);
    x += NAME_W;
    if (wide) {
        words_duration(age_us(ui, row), buffer);
        if (!doubt_foreign(row)) /* how old somebody else's is nobody knows */
            area_text_in(area, x + AGE_W - 2 - canvas_columns(area.canvas, buffer), y, AGE_W, STYLE_NORMAL,
                         buffer);
        x += AGE_W;
    }
    area_text_in(area, x, y, NODE_W - 1, STYLE_NORMAL, ui_node_name(ui, row->node));
    x += NODE_W;
    area_text_in(area, x, y, VERDICT_W - 1, style, word);
    x += VERDICT_W;
    text_init(&text, buffer, sizeof buffer);
    doubt_retry(ui, row, &text);
    if (text.len > 0 && area.w - x > WORDS_W * 2)
        text_append(&text, "  ");
    if (doubt_foreign(row))
        text_append(&text, row->verdict->xid);
    else if (text.len == 0 || area.w - x > WORDS_W * 2)
        doubt_why(row, &text);
    area_text_in(area, x, y, area.w - x, STYLE_DIM, buffer);
}

/* Nodes whose branches nobody can see: @draw false counts the lines only. */
static int unread_draw(const struct ui *ui, struct area area, bool draw)
{
    int y = 0;
    for (unsigned i = 0; i < ui->model.node_count; i++) {
        const struct model_node *node = &ui->model.nodes[i];
        bool away = node->state == NODE_DOWN || node->state == NODE_FROZEN || node->state == NODE_CUT;
        if (!away && !(ui->model.sweep.unread & 1u << i))
            continue;
        if (draw) {
            enum style style;
            const char *state = words_node_state(node->state, &style);
            int x = 2 + area_text_in(area, 2, y, NODE_W + NAME_W, STYLE_BAD, node->name);
            x += area_printf(area, x, y, STYLE_BAD, _(" %s: "), state);
            area_text_in(area, x, y, area.w - x, STYLE_NORMAL, _("not read, no verdict on what it holds"));
        }
        y++;
    }
    return y;
}

static void detail_draw(const struct ui *ui, struct area area, const struct doubt_row *row)
{
    char buffer[XATOP_REASON_MAX * 3];
    struct text text;
    enum style style;
    int y = 0;
    text_init(&text, buffer, sizeof buffer);
    if (row->txn && row->txn->meaning[0])
        text_printf(&text, "%s", row->txn->meaning);
    else
        text_append(&text, row->verdict ? row->verdict->xid : "");
    area_text_in(area, 1, y++, area.w - 2, STYLE_BOLD, buffer);
    text_init(&text, buffer, sizeof buffer);
    text_printf(&text, "%s: ", doubt_word(row, &style));
    doubt_why(row, &text);
    y += area_wrapped(area, 1, y, area.w - 2, area.h - y, STYLE_NORMAL, buffer);
    text_init(&text, buffer, sizeof buffer);
    doubt_retry(ui, row, &text);
    if (text.len > 0 && row->verdict)
        text_append(&text, "; ");
    doubt_evidence(ui, row, &text);
    area_wrapped(area, 1, y, area.w - 2, area.h - y, STYLE_DIM, buffer);
}

/* Of what the newest look saw. */
static uint32_t unlisted_foreign(const struct ui *ui)
{
    uint32_t listed = 0;
    for (unsigned i = 0; i < rows.count; i++)
        listed += doubt_foreign(&rows.rows[i]);
    return ui->model.sweep.foreign > listed ? ui->model.sweep.foreign - listed : 0;
}

static void list_draw(struct ui *ui, struct area area, int selected)
{
    uint32_t foreign = unlisted_foreign(ui), lost = ui->model.sweep.lost;
    uint32_t unlisted = lost > foreign ? lost : foreign;
    int room = area.h - (unlisted > 0 && area.h > 1);
    int first = selected >= room ? selected - room + 1 : 0;
    for (int y = 0; y < room && first + y < (int)rows.count; y++) {
        bool here = first + y == selected;
        row_draw(ui, area, y, &rows.rows[first + y], here);
        if (here && ui->focus == PANE_DOUBT) {
            area_style(area, 0, y, area.w, STYLE_SELECT);
            area_cursor(area, 0, y);
        }
    }
    if (room < area.h)
        area_printf(area, 2, (int)rows.count - first < room ? (int)rows.count - first : room, STYLE_DIM,

                    unlisted == foreign ? _("and %u more foreign ones, counted only")
                                        : _("and %u more, counted only"),
                    unlisted);
}

void pane_doubt_draw(struct ui *ui, struct area area)
{
    doubt_gather(&ui->model, &rows);
    int y = unread_draw(ui, area_sub(area, 0, 0, area.w, area.h > 3 ? area.h - 3 : 0), true);
    if (y > area.h - 3)
        y = area.h > 3 ? area.h - 3 : 0;
    if (rows.count == 0) {
        area_text_in(area, 1, y, area.w - 1, STYLE_DIM,
                     ui->model.sweep.known ? _("no branch is prepared on the nodes that were read")
                                           : _("nobody has looked yet"));
        return;
    }
    int selected = doubt_selected(ui, &rows);
    selected = selected < 0 ? 0 : selected;
    int wanted = (int)rows.count + (unlisted_foreign(ui) > 0);
    bool detail = area.h - y - DETAIL_H - 1 >= (wanted < LIST_H ? wanted : LIST_H);
    int list_h = detail ? area.h - y - DETAIL_H - 1 : area.h - y;
    if (detail && wanted < list_h) /* what is said of it stands near it */
        list_h = wanted;
    list_draw(ui, area_sub(area, 0, y, area.w, list_h), selected);
    if (!detail)
        return;
    area_line(area, 1, y + list_h, area.w - 2, STYLE_BORDER, GLYPH_HORIZONTAL);
    detail_draw(ui, area_sub(area, 0, y + list_h + 1, area.w, area.h - y - list_h - 1), &rows.rows[selected]);
}

void pane_doubt_move(struct ui *ui, int by)
{
    doubt_gather(&ui->model, &rows);
    if (rows.count == 0)
        return;
    int at = doubt_selected(ui, &rows) + by, last = (int)rows.count - 1;
    at = at < 0 ? 0 : at > last ? last : at;
    doubt_select(ui, at == 0 ? NULL : &rows.rows[at]); /* at the top: the worst, whichever it will be */
}
