#include "config.h"

#include "pane.h"

enum { SMALL_W = 60, SMALL_H = 16, SIDE_BY_SIDE_W = 80, TALL_H = 30, WIDE_W = 120, BANNER_H = 6 };

static int at_most(int value, int limit)
{
    return value < limit ? value : limit;
}

static int at_least(int value, int limit)
{
    return value > limit ? value : limit;
}

/* Header, notice and footer leave one by one as the screen gets lower; the header is the last. */
static void lines(const struct ui *ui, struct area screen, struct layout *out)
{
    int banner = screen.h >= BANNER_H && model_faults_armed(&ui->model) > 0;
    out->header = area_sub(screen, 0, 0, screen.w, 1);
    out->banner = area_sub(screen, 0, 1, screen.w, banner);
    int footer = screen.h >= 4, notice = screen.h >= 3;
    out->footer = area_sub(screen, 0, screen.h - 1, screen.w, footer);
    out->notice = area_sub(screen, 0, screen.h - footer - 1, screen.w, notice);
    out->body = area_sub(screen, 0, 1 + banner, screen.w, screen.h - 1 - banner - footer - notice);
}

void ui_layout(const struct ui *ui, struct area screen, struct layout *out)
{
    *out = (struct layout){.small = screen.w < SMALL_W || screen.h < SMALL_H};
    lines(ui, screen, out);
    if (out->small)
        return;
    struct area body = out->body;
    if (ui->zoom) {
        out->panes[ui->focus] = body;
        return;
    }
    bool both = body.w >= SIDE_BY_SIDE_W && body.h >= 18;
    int nodes = ui->model.node_count;
    int top = both ? at_most(at_least(nodes + 3, screen.h >= TALL_H ? 9 : 5), body.h / 3)
                   : at_most(nodes + 2, at_least(4, body.h / 4));
    int trace =
        (body.h - top) * 5 / 8; /* at 80x24 two branches and a commit, statement by statement, just fit */
    int left = both ? body.w / 2 : body.w;
    out->panes[PANE_NODES] = area_sub(body, 0, 0, left, top);
    out->panes[PANE_THROUGHPUT] = area_sub(body, left, 0, body.w - left, top);
    bool wide = both && body.w >= WIDE_W && screen.h >= TALL_H;
    int trace_w = wide ? body.w * 3 / 5 : body.w;
    out->panes[PANE_TRACE] = area_sub(body, 0, top, trace_w, trace);
    out->panes[PANE_DOUBT] = area_sub(body, trace_w, top, body.w - trace_w, trace);
    if (!wide && ui->focus == PANE_DOUBT) { /* the trace makes room for it */
        out->panes[PANE_DOUBT] = out->panes[PANE_TRACE];
        out->panes[PANE_TRACE].w = 0;
    }
    out->panes[PANE_TXNS] = area_sub(body, 0, top + trace, body.w, body.h - top - trace);
    if (out->panes[ui->focus].w == 0) /* not room for all: the one in focus takes the place of the first */
        out->panes[ui->focus] = out->panes[PANE_NODES], out->panes[PANE_NODES].w = 0;
}
