#include "config.h"

#include "pane.h"

enum { SHOWN_SECONDS = 120 };

/* word, unit divisor, style, which figure; the most wanted first: a low pane shows the first ones only */
#define ROWS(X)                                                                                              \
    X(N_("commit/s"), STYLE_GOOD, commits, false)                                                            \
    X(N_("abort/s"), STYLE_WARN, aborts, false)                                                              \
    X(N_("p50 ms"), STYLE_GRAPH, p50_us, true)                                                               \
    X(N_("p95 ms"), STYLE_GRAPH, p95_us, true)                                                               \
    X(N_("p99 ms"), STYLE_GRAPH, p99_us, true)                                                               \
    X(N_("fsync/s"), STYLE_FORCED, fsyncs, false)                                                            \
    X(N_("record/s"), STYLE_FORCED, records, false)

enum graph {
#define X(word, style, field, is_time) GRAPH_##field,
    ROWS(X)
#undef X
        GRAPHS
};

static const struct {
    const char *word;
    enum style style;
    bool is_time;
} graphs[] = {
#define X(word, style, field, is_time) {word, style, is_time},
    ROWS(X)
#undef X
};

static int64_t value_of(const struct model_second *second, enum graph graph)
{
    switch (graph) {
#define X(word, style, field, is_time)                                                                       \
    case GRAPH_##field:                                                                                      \
        return (int64_t)second->field;
        ROWS(X)
#undef X
    default:
        return -1;
    }
}

/* 1, 2, 5, 10, 20, ...: a scale that changes seldom. */
static int64_t nice(int64_t max)
{
    int64_t step = 1;
    while (step < max && step < INT64_MAX / 20) {
        if (step * 2 >= max)
            return step * 2;
        if (step * 5 >= max)
            return step * 5;
        step *= 10;
    }
    return step;
}

void pane_throughput_title(const struct ui *ui, struct text *left, struct text *right)
{
    char fsync[WORDS_MAX];
    words_duration(ui->model.last_fsync_us, fsync);
    text_printf(right, _("forced write %s"), fsync);
}

/* A sweep: a second keeps its column, the newest overwrites the oldest, and a gap runs ahead of it. It costs a slow link a
 * fifteenth of a graph that scrolls. */
static int64_t sweep(const struct ui *ui, enum graph graph, int64_t *values, int w)
{
    int64_t newest = ui->now_us / 1000000 - 1, max = 0;
    for (int i = 0; i < w; i++) {
        int64_t second = newest - (newest - i) % w;
        if (second > newest || second <= 0)
            second -= w;
        struct model_second rates = model_rates(&ui->model, second);
        values[i] = second <= newest - w + 1 ? -1 : value_of(&rates, graph);
        max = values[i] > max ? values[i] : max;
    }
    return max;
}

static void graph_row(const struct ui *ui, struct area area, int y, enum graph graph)
{
    enum { LABEL_W = 9, VALUE_W = 7, SCALE_W = 8 };
    struct model_second now = model_rates(&ui->model, ui->now_us / 1000000 - 1);
    int64_t value = value_of(&now, graph), values[SHOWN_SECONDS];
    int room = area.w - LABEL_W - VALUE_W - 1 - SCALE_W;
    int w = room > SHOWN_SECONDS ? SHOWN_SECONDS : room;
    char words[WORDS_MAX], scale[WORDS_MAX];
    if (graphs[graph].is_time)
        words_ms(value, words);
    else
        words_count(value, words);
    area_text(area, 1, y, STYLE_NORMAL, _(graphs[graph].word));
    area_text(area, LABEL_W + VALUE_W - canvas_columns(area.canvas, words), y, STYLE_BOLD, words);
    if (w < 4)
        return;
    int64_t max = nice(sweep(ui, graph, values, w));
    if (graphs[graph].is_time && max < 1000)
        max = 1000;
    area_spark(area, LABEL_W + VALUE_W + 1, y, graphs[graph].style, values, w, max);
    if (graphs[graph].is_time)
        words_ms(max, scale);
    else
        words_count(max, scale);
    area_printf(area, LABEL_W + VALUE_W + 1 + w, y, STYLE_DIM, " /%s", scale);
}

void pane_throughput_draw(struct ui *ui, struct area area)
{
    static const enum graph low[] = {GRAPH_commits, GRAPH_aborts, GRAPH_p95_us, GRAPH_p50_us};
    for (int y = 0; y < area.h && y < GRAPHS; y++)
        graph_row(ui, area, y, area.h <= 4 ? low[y] : (enum graph)y);
    if (area.h > GRAPHS + 1)
        area_printf(area, 1, GRAPHS + 1, STYLE_DIM,
                    _("retried %u after deadlock or lock wait   faults hit %u"), (unsigned)ui->model.retried,
                    (unsigned)ui->model.faults_hit);
}

void pane_throughput_move(struct ui *ui, int rows)
{
}
