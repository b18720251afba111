#include "config.h"

#include "pane.h"

#include <inttypes.h>

#include "xatop/money.h"

enum { STALE_US = 5 * 1000000, NAME_W = 12 };

void pane_nodes_title(const struct ui *ui, struct text *left, struct text *right)
{
    if (ui->model.node_count > 0)
        text_printf(right, _("%u of %u up"), model_nodes_up(&ui->model), ui->model.node_count);
}

static int name_width(const struct ui *ui, const struct canvas *canvas)
{
    int w = 4;
    for (unsigned i = 0; i < ui->model.node_count; i++) {
        int n = canvas_columns(canvas, ui->model.nodes[i].name);
        w = n > w ? n : w;
    }
    return w < NAME_W ? w : NAME_W;
}

/* Columns from the right of the state, as many as there is room for. */
static void figures(struct area area, int x, int y, enum style style, const char *const *words, int room)
{
    static const int widths[] = {8, 6, 6, 6};
    for (unsigned i = 0; i < sizeof widths / sizeof widths[0] && room >= widths[i]; i++) {
        int w = canvas_columns(area.canvas, words[i]);
        area_text(area, x + widths[i] - w, y, style, words[i]);
        x += widths[i];
        room -= widths[i];
    }
    if (room >= 8)
        area_text_in(area, x + 2, y, room - 2, style, words[4]);
}

static void node_row(struct ui *ui, struct area area, int y, unsigned index, int name_w)
{
    const struct model_node *node = &ui->model.nodes[index];
    bool selected = index == ui->node;
    enum style style;
    const char *state = words_node_state(node->state, &style);
    if (selected)
        area_glyph(area, 0, y, STYLE_BOLD, GLYPH_SELECTED);
    area_text_in(area, 2, y, name_w, selected ? STYLE_BOLD : STYLE_NORMAL, node->name);
    area_text(area, 3 + name_w, y, style, state);
    char rtt[WORDS_MAX], prepared[WORDS_MAX], waits[WORDS_MAX], sessions[WORDS_MAX], version[96];
    words_ms(node->rtt_us, rtt);
    words_count(node->prepared, prepared);
    words_count(node->lock_waits, waits);
    words_count(node->sessions, sessions);
    struct text text;
    text_init(&text, version, sizeof version);
    int64_t age_us = ui->now_us - node->sampled_us;
    if (node->sampled_us != 0 && age_us > STALE_US) {
        char age[WORDS_MAX];
        words_duration(age_us, age);
        text_printf(&text, _("(%s old) "), age);
    }
    text_append(&text, node->sampled_us ? node->version : _("not sampled yet"));
    const char *words[] = {rtt, prepared, waits, sessions, version};
    figures(area, 3 + name_w + 7, y,
            node->state == NODE_UP || node->state == NODE_SLOW ? STYLE_NORMAL : STYLE_DIM, words,
            area.w - name_w - 10);
    if (selected && ui->focus == PANE_NODES) {
        area_style(area, 0, y, area.w, STYLE_SELECT);
        area.canvas->cursor_x = area.x;
        area.canvas->cursor_y = area.y + y;
    }
}

static void conservation(struct ui *ui, struct area area, int y)
{
    const struct model_audit *audit = &ui->model.audit;
    if (!audit->known) {
        area_text_in(area, 2, y, area.w - 2, STYLE_DIM, _("money not audited yet"));
        return;
    }
    char expected[WORDS_MAX], found[WORDS_MAX], clock[WORDS_MAX];
    money_format(audit->money_expected, expected, sizeof expected);
    money_format(audit->money_found, found, sizeof found);
    words_clock(audit->wall_ms, false, clock);
    char line[160];
    struct text text;
    text_init(&text, line, sizeof line);
    if (audit->ok)
        text_printf(&text, _("money %s conserved  %s"), found, clock);
    else
        text_printf(&text, _("money %s, not %s: VIOLATED  %s"), found, expected, clock);
    area_text_in(area, 2, y, area.w - 2, audit->ok ? STYLE_GOOD : STYLE_BAD, line);
    text_init(&text, line, sizeof line);
    text_printf(&text, _("stock %" PRId64 " of %" PRId64 " delivered"), audit->stock_found,
                audit->stock_expected);
    if (y + 1 < area.h)
        area_text_in(area, 2, y + 1, area.w - 2,
                     audit->stock_found == audit->stock_expected ? STYLE_NORMAL : STYLE_BAD, line);
}

void pane_nodes_draw(struct ui *ui, struct area area)
{
    int count = ui->model.node_count, name_w = name_width(ui, area.canvas), y = 0;
    if (area.h > count) {
        static const char *const heads[] = {N_("rtt ms"), N_("prep"), N_("wait"), N_("sess"), N_("version")};
        area_text_in(area, 2, 0, name_w, STYLE_DIM, _("node"));
        area_text(area, 3 + name_w, 0, STYLE_DIM, _("state"));
        figures(area, 3 + name_w + 7, 0, STYLE_DIM, heads, area.w - name_w - 10);
        y = 1;
    }
    int rows = area.h - y, first = ui->node >= rows ? ui->node - rows + 1 : 0;
    for (int i = first; i < count && y < area.h; i++, y++)
        node_row(ui, area, y, (unsigned)i, name_w);
    if (y < area.h)
        conservation(ui, area, y);
}

void pane_nodes_move(struct ui *ui, int rows)
{
    int node = ui->node + rows, last = ui->model.node_count - 1;
    node = node > last ? last : node;
    ui->node = (uint8_t)(node < 0 ? 0 : node);
}
