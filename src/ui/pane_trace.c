#include "config.h"

#include "pane.h"

#include <inttypes.h>
#include <string.h>

#include "trace_lines.h"
#include "xatop/status.h"

/* Space-time diagram, time down: a column for the coordinator, a lane for each branch. Only what was measured is drawn: a
 * packet of several verbs is one arrow with one send and one reply time. */

enum { TIME_W = 9, STATE_W = 13, LANE_MIN = 18, LANE_MAX = 56, TAIL_W = 11 };

struct diagram {
    const struct ui *ui;
    const struct model_txn *txn;
    const struct model_trace *trace;
    struct area area; /* below the heads */
    int base;         /* column where arrows start */
    int lane_w;       /* 0: no room for lanes, words instead */
    unsigned lanes;
    uint8_t lane[XATOP_BRANCHES_MAX];   /* of each branch: by node, so that a node keeps its side */
    uint8_t branch[XATOP_BRANCHES_MAX]; /* of each lane */
};

void pane_trace_title(const struct ui *ui, struct text *left, struct text *right)
{
    if (!ui->kept)
        return;
    const struct model_txn *txn = &ui->kept_txn;
    enum style style;
    char duration[WORDS_MAX];
    words_duration(txn_elapsed_us(ui, txn), duration);
    text_printf(left, " #%" PRIu64 " %s", txn->txn, txn->meaning[0] ? txn->meaning : _("found by recovery"));
    text_printf(right, "%s %s%s", words_txn_state(txn, &style), duration,
                ui->follow ? "" : _("  HELD, L live"));
}

static void arrange_lanes(struct diagram *d)
{
    d->lanes = d->txn->branch_count;
    for (unsigned i = 0; i < d->lanes; i++) {
        unsigned place = i;
        uint8_t node = d->txn->branches[i].node;
        for (; place > 0 && d->txn->branches[d->branch[place - 1] - 1].node > node; place--)
            d->branch[place] = d->branch[place - 1];
        d->branch[place] = (uint8_t)(i + 1);
    }
    for (unsigned i = 0; i < d->lanes; i++)
        d->lane[d->branch[i] - 1] = (uint8_t)i;
}

static int lane_x(const struct diagram *d, unsigned branch)
{
    return d->base + d->lane[branch - 1] * d->lane_w + d->lane_w - TAIL_W;
}

/* Columns for the words on an arrow: they end before the first lane. */
static int label_room(const struct diagram *d)
{
    return d->lane_w - TAIL_W - 4;
}

/* What a reply says, in the words of the protocol: a prepared branch has voted. At most 7 columns. */
static const char *answer(const struct model_row *row, enum style *style)
{
    *style = row->result == REPLY_OK ? STYLE_GOOD : STYLE_BAD;
    switch (row->result) {
    case REPLY_OK:
        return model_row_prepares(row) ? _("YES") : model_row_finishes(row) ? _("ack") : _("ok");
    case REPLY_ROLLED_BACK:
        return _("gone");
    case REPLY_RETRYABLE:
        return _("retry");
    case REPLY_NOT_SENT:
        return _("unsent");
    case REPLY_ERROR:
        return model_row_prepares(row) ? _("NO") : _("error");
    default:
        return reply_name(row->result);
    }
}

static void label(const struct model_row *row, int room, char *out, size_t cap)
{
    struct text text;
    text_init(&text, out, cap);
    model_row_words(row, &text);
    if ((int)text.len <= room)
        return;
    text_init(&text, out, cap);
    model_row_letters(row, &text);
}

static void lifelines(const struct diagram *d, int y)
{
    for (unsigned branch = 1; branch <= d->lanes; branch++)
        area_glyph(d->area, lane_x(d, branch), y, STYLE_BORDER, GLYPH_LIFELINE);
}

static void draw_send(const struct diagram *d, int y, const struct model_row *row)
{
    int to = lane_x(d, row->branch);
    lifelines(d, y);
    area_line(d->area, d->base, y, to - d->base, STYLE_NORMAL, GLYPH_HORIZONTAL);
    area_glyph(d->area, to, y, STYLE_NORMAL, GLYPH_HEAD_RIGHT);
    char words[64];
    label(row, label_room(d), words, sizeof words);
    area_printf(d->area, d->base + 2, y, STYLE_BOLD, " %s ", words);
}

static void draw_reply(const struct diagram *d, int y, const struct model_row *row)
{
    int from = lane_x(d, row->branch);
    lifelines(d, y);
    area_glyph(d->area, d->base, y, STYLE_NORMAL, GLYPH_HEAD_LEFT);
    area_line(d->area, d->base + 1, y, from - d->base - 1, STYLE_NORMAL, GLYPH_HORIZONTAL);
    area_glyph(d->area, from, y, STYLE_NORMAL, GLYPH_DONE);
    enum style style;
    const char *words = answer(row, &style);
    area_printf(d->area, d->base + 3, y, style, " %s ", words);
    char ms[WORDS_MAX];
    words_ms(row->end_us - row->start_us, ms);
    area_text_in(d->area, from + 2, y, TAIL_W - 3, STYLE_DIM, ms);
}

/* Folded: out to every lane of the round, the answer and its time behind each head. */
static void draw_round(const struct diagram *d, int y, const struct trace_line *line)
{
    int x = d->base;
    lifelines(d, y);
    for (unsigned lane = 0; lane < d->lanes; lane++) {
        unsigned branch = d->branch[lane];
        if (!line->rows[branch - 1])
            continue;
        const struct model_row *row = &d->trace->rows[line->rows[branch - 1] - 1];
        int to = lane_x(d, branch);
        area_line(d->area, x, y, to - x, STYLE_NORMAL, row->answered ? GLYPH_HORIZONTAL : GLYPH_DOTTED);
        area_glyph(d->area, to, y, STYLE_NORMAL, GLYPH_HEAD_RIGHT);
        enum style style = STYLE_BUSY;
        char ms[WORDS_MAX];
        words_ms(row->end_us - row->start_us, ms);
        const char *words = row->answered ? answer(row, &style) : "...";
        x = to + 1;
        x += area_printf(d->area, x, y, style, " %.8s", words);
        if (row->answered && (int)strlen(ms) < TAIL_W - 1 - (x - to))
            x += area_printf(d->area, x, y, STYLE_DIM, " %s ", ms);
    }
    char words[64];
    label(&d->trace->rows[line->row], label_room(d), words, sizeof words);
    area_printf(d->area, d->base + 1, y, STYLE_BOLD, " %s ", words);
}

/* No room for lanes: who got what, in words. */
static void draw_words(const struct diagram *d, int y, const struct trace_line *line)
{
    char buffer[256], words[128];
    struct text text, verbs;
    text_init(&text, buffer, sizeof buffer);
    const struct model_row *row = &d->trace->rows[line->row];
    text_init(&verbs, words, sizeof words);
    model_row_words(row, &verbs);
    text_append(&text, words);
    for (unsigned i = 0; i < XATOP_BRANCHES_MAX; i++) {
        if (line->kind != LINE_ROUND || !line->rows[i])
            continue;
        const struct model_row *message = &d->trace->rows[line->rows[i] - 1];
        enum style style;
        char ms[WORDS_MAX];
        words_ms(message->end_us - message->start_us, ms);
        text_printf(&text, "  %s %s", ui_node_name(d->ui, message->node),
                    message->answered ? answer(message, &style) : "...");
        if (message->answered)
            text_printf(&text, " %s", ms);
    }
    area_text_in(d->area, d->base, y, d->area.w - d->base, STYLE_NORMAL, buffer);
}

static void draw_log(const struct diagram *d, int y, const struct model_row *row)
{
    char words[96], duration[WORDS_MAX];
    struct text text;
    text_init(&text, words, sizeof words);
    words_duration(row->end_us - row->start_us, duration);
    bool decision = strcmp(row->detail, "commit") == 0;
    if (!row->answered && decision)
        text_append(&text, _(" forcing COMMIT to the log... "));
    else if (decision)
        text_printf(&text, _(" COMMIT FORCED TO LOG %s  POINT OF NO RETURN "), duration);
    else
        text_printf(&text, _(" log: %s, durable "), row->detail);
    if (!decision) {
        area_text(d->area, d->base, y, STYLE_DIM, words);
        return;
    }
    int w = canvas_columns(d->area.canvas, words), room = d->area.w - d->base;
    enum glyph bar = row->answered ? GLYPH_FORCED : GLYPH_DOTTED;
    int side = room > w + 4 ? (room - w) / 2 : 2;
    side = side > 12 ? 12 : side;
    area_line(d->area, d->base, y, side, STYLE_FORCED, bar);
    int x = d->base + side + area_text(d->area, d->base + side, y, STYLE_FORCED, words);
    area_line(d->area, x, y, side, STYLE_FORCED, bar);
}

static void draw_finish(const struct diagram *d, int y, const struct model_row *row)
{
    char buffer[160], verbs[64], duration[WORDS_MAX];
    struct text text, words;
    text_init(&text, buffer, sizeof buffer);
    text_init(&words, verbs, sizeof verbs);
    model_row_words(row, &words);
    words_duration(row->end_us - row->start_us, duration);
    if (row->kind == TRACE_FENCE)
        text_printf(&text,
                    row->result ? _("fence on %s: session %" PRId64 " killed and gone after %s")
                                : _("fence on %s: session %" PRId64 " not gone after %s"),
                    ui_node_name(d->ui, row->node), row->n, duration);
    else
        text_printf(&text, _("%s from another session on %s: %s after %s"), verbs,
                    ui_node_name(d->ui, row->node), finding_name(row->result), duration);
    area_text_in(d->area, d->base, y, d->area.w - d->base, STYLE_WARN, buffer);
}

static void draw_event(const struct diagram *d, int y, const struct model_row *row)
{
    char buffer[160], duration[WORDS_MAX];
    struct text text;
    text_init(&text, buffer, sizeof buffer);
    enum style style = STYLE_BOLD;
    switch (row->kind) {
    case TRACE_OUTCOME:
        words_duration(row->n, duration);
        text_printf(&text, _("the caller is told: %s after %s"), outcome_name(row->result), duration);
        if (row->detail[0])
            text_printf(&text, ": %s", d->txn->reason);
        style = row->result == OUTCOME_COMMITTED ? STYLE_GOOD : STYLE_WARN;
        break;
    case TRACE_FAULT:
        text_printf(&text, _("! fault hit: %s"), row->detail);
        style = STYLE_BAD;
        break;
    case TRACE_LOG_FAILED:
        text_append(&text, _("! the decision log failed: in doubt until it is opened anew"));
        style = STYLE_BAD;
        break;
    default:
        text_printf(&text, _("recovery: %s %s"), verdict_name(row->result), row->detail);
        break;
    }
    area_text_in(d->area, d->base, y, d->area.w - d->base, style, buffer);
}

static void draw_line(const struct diagram *d, int y, const struct trace_line *line)
{
    const struct model_row *row = &d->trace->rows[line->row];
    char ms[WORDS_MAX];
    words_ms(line->at_us > d->txn->begun_us ? line->at_us - d->txn->begun_us : 0, ms);
    area_text(d->area, TIME_W - 2 - canvas_columns(d->area.canvas, ms), y, STYLE_DIM, ms);
    if (line->state >= 0) {
        struct model_txn as_was = {.state = (enum txn_state)line->state};
        enum style style;
        const char *words = words_txn_state(&as_was, &style);
        area_text_in(d->area, TIME_W, y, STATE_W - 1, style, words);
    }
    bool lane = d->lane_w > 0 && row->branch >= 1 && row->branch <= d->lanes;
    switch (line->kind) {
    case LINE_SEND:
    case LINE_REPLY:
    case LINE_ROUND:
        if (!lane)
            draw_words(d, y, line);
        else if (line->kind == LINE_SEND)
            draw_send(d, y, row);
        else if (line->kind == LINE_REPLY)
            draw_reply(d, y, row);
        else
            draw_round(d, y, line);
        break;
    case LINE_LOG:
        draw_log(d, y, row);
        break;
    case LINE_FINISH:
        draw_finish(d, y, row);
        break;
    case LINE_WORDS:
        draw_event(d, y, row);
        break;
    }
}

static void heads(const struct diagram *d, struct area area)
{
    area_text(area, TIME_W - 4, 0, STYLE_DIM, "ms");
    area_text(area, TIME_W, 0, STYLE_DIM, _("coordinator"));
    for (unsigned branch = 1; d->lane_w > 0 && branch <= d->lanes; branch++) {
        char buffer[96];
        struct text text;
        text_init(&text, buffer, sizeof buffer);
        const struct model_branch *b = &d->txn->branches[branch - 1];
        text_printf(&text, "%s %c", b->node ? ui_node_name(d->ui, b->node) : "?",
                    words_branch_letter(b->state));
        int w = canvas_columns(area.canvas, buffer), x = lane_x(d, branch) - w / 2;
        int right = d->base + (d->lane[branch - 1] + 1) * d->lane_w;
        x = x + w > right ? right - w : x; /* a long name stays within its lane */
        area_text_in(area, x, 0, d->lane_w, STYLE_BOLD, buffer);
    }
}

void pane_trace_draw(struct ui *ui, struct area area)
{
    if (!ui->kept || ui->kept_trace.count == 0) {
        area_text_in(area, 1, 0, area.w - 1, STYLE_DIM,
                     ui->kept ? _("the rows of this trace had to make room for newer ones")
                     : ui->ports->read_only
                         ? _("no transaction yet")
                         : _("no transaction yet: press t for a transfer, o for an order"));
        return;
    }
    static struct trace_lines lines; /* 8 KB; drawing is one thread's business */
    struct diagram d = {.ui = ui, .txn = &ui->kept_txn, .trace = &ui->kept_trace};
    arrange_lanes(&d);
    int head = area.h >= 4;
    d.area = area_sub(area, 0, head, area.w, area.h - head);
    d.base = area.w >= 70 ? TIME_W + STATE_W : TIME_W;
    int lane_w = d.lanes > 0 ? (area.w - d.base) / (int)d.lanes : 0;
    d.lane_w = lane_w >= LANE_MIN ? (lane_w > LANE_MAX ? LANE_MAX : lane_w) : 0;
    if (head)
        heads(&d, area);
    for (int fold = d.lane_w > 0 ? FOLD_NOT : FOLD_ROUNDS; fold <= FOLD_STEPS; fold++) {
        trace_lines_make(d.trace, !d.txn->recovered, (enum trace_fold)fold, &lines);
        if ((int)lines.count <= d.area.h)
            break;
    }
    int above = (int)lines.count - d.area.h, first = 0;
    if (above > 0) {
        ui->trace_scroll = ui->trace_scroll > above ? above : ui->trace_scroll;
        first = above - ui->trace_scroll;
    } else {
        ui->trace_scroll = 0;
    }
    for (int y = 0; y < d.area.h && first + y < (int)lines.count; y++)
        draw_line(&d, y, &lines.lines[first + y]);
    if (first > 0)
        area_printf(area, 0, 0, STYLE_WARN, "^%d", first);
    if (ui->focus == PANE_TRACE) {
        area.canvas->cursor_x = area.x;
        area.canvas->cursor_y = area.y;
    }
}

void pane_trace_move(struct ui *ui, int rows)
{
    int scroll = ui->trace_scroll - rows;
    ui->trace_scroll = scroll < 0 ? 0 : scroll > TRACE_LINES_MAX ? TRACE_LINES_MAX : scroll;
}
