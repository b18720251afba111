#include "config.h"

#include "pane.h"

#include <inttypes.h>

/* Below 60x16: one line a node, then one line a transaction, as many as there is room for. */

static void node_line(struct ui *ui, struct area line, unsigned index)
{
    const struct model_node *node = &ui->model.nodes[index];
    enum style style;
    const char *state = words_node_state(node->state, &style);
    bool selected = index == ui->node && ui->focus == PANE_NODES;
    int x = area_text_in(line, 0, 0, 10, selected ? STYLE_SELECT : STYLE_NORMAL, node->name) + 1;
    x += area_text(line, x, 0, style, state) + 1;
    char rtt[WORDS_MAX], prepared[WORDS_MAX];
    words_duration(node->rtt_us, rtt);
    words_count(node->prepared, prepared);
    area_printf(line, x, 0, STYLE_NORMAL, _("%s prep %s"), rtt, prepared);
    if (selected) {
        line.canvas->cursor_x = line.x;
        line.canvas->cursor_y = line.y;
    }
}

static void txn_line(struct ui *ui, struct area line, const struct model_txn *txn)
{
    enum style style;
    const char *state = words_txn_state(txn, &style);
    int x = area_printf(line, 0, 0, STYLE_NORMAL, "%" PRIu64, txn->txn) + 1;
    x += area_text(line, x, 0, style, state) + 1;
    area_text_in(line, x, 0, line.w - x, STYLE_NORMAL, txn->reason[0] ? txn->reason : txn->meaning);
}

void ui_small_draw(struct ui *ui, struct area area)
{
    int y = 0;
    for (unsigned i = 0; i < ui->model.node_count && y < area.h; i++, y++) {
        /* the selected node is always among those shown */
        unsigned first = ui->node >= (unsigned)area.h ? ui->node - (unsigned)area.h + 1 : 0;
        if (first + i < ui->model.node_count)
            node_line(ui, area_sub(area, 0, y, area.w, 1), first + i);
    }
    for (unsigned age = 0; y < area.h; age++, y++) {
        const struct model_txn *txn = model_txn_at(&ui->model, age);
        if (!txn)
            break;
        txn_line(ui, area_sub(area, 0, y, area.w, 1), txn);
    }
}
