#include "config.h"

#include "pane.h"

#include <string.h>

/* --- ? --- */

static unsigned help_lines(const struct ui *ui)
{
    unsigned lines = PANES + 3; /* a blank one between, two of legend at the end */
    size_t count;
    const struct key_row *rows = key_rows(&count);
    for (unsigned i = 0; i < count; i++)
        lines += rows[i].shown[0] != '\0';
    return lines;
}

static void help_line(const struct ui *ui, struct area area, int y, unsigned line)
{
    enum { KEY_W = 9 };
    const int left = area.w > 20;
    if (line < PANES) {
        const struct pane_row *row = &pane_kind((enum pane)line)->row;
        area_printf(area, left, y, STYLE_KEY, "%c", row->key);
        int x = KEY_W + area_text(area, KEY_W, y, STYLE_BOLD, _(row->title));
        area_text_in(area, x + 1, y, area.w - x - 1, STYLE_NORMAL, _(row->help));
        return;
    }
    if (line == PANES)
        return;
    line -= PANES + 1;
    size_t count;
    const struct key_row *rows = key_rows(&count);
    for (unsigned i = 0; i < count; i++) {
        if (!rows[i].shown[0] || line-- > 0)
            continue;
        bool off = ui->ports->read_only && rows[i].effect != EFFECT_LOOK;
        area_text(area, left, y, off ? STYLE_DIM : STYLE_KEY, rows[i].shown);
        int x = KEY_W +
                area_text_in(area, KEY_W, y, area.w - KEY_W, off ? STYLE_DIM : STYLE_NORMAL, _(rows[i].help));
        if (off)
            area_text_in(area, x + 1, y, area.w - x - 1, STYLE_DIM, _("(read-only)"));
        else if (rows[i].effect == EFFECT_DESTROY)
            area_text_in(area, x + 1, y, area.w - x - 1, STYLE_WARN, _("(asks)"));
        return;
    }
    area_text_in(area, left, y, area.w - left, STYLE_DIM,
                 line == 0 ? _("branches: w work  P prepared  C committed  R rolled back  f ? in doubt")
                           : _("packets: S start  W work  E end  P prepare  C commit  R roll back"));
}

struct area ui_window(struct area screen, int w, int h, const char *title, const char *right)
{
    w = w > screen.w ? screen.w : w;
    h = h > screen.h ? screen.h : h;
    struct area area = area_sub(screen, (screen.w - w) / 2, (screen.h - h) / 2, w, h);
    area_fill(area, STYLE_NORMAL);
    if (w < 8 || h < 3) /* a frame would leave nothing */
        return area;
    return area_box(area, STYLE_FOCUS, STYLE_FOCUS, title, right);
}

static void draw_help(struct ui *ui, struct area screen)
{
    int lines = (int)help_lines(ui);
    struct area inner = ui_window(screen, 78, lines + 2, _("Keys"), _("? closes"));
    int hidden = lines - inner.h;
    hidden = hidden < 0 ? 0 : hidden;
    if (ui->help_scroll > hidden)
        ui->help_scroll = hidden;
    for (int y = 0; y < inner.h && y + ui->help_scroll < lines; y++)
        help_line(ui, inner, y, (unsigned)(y + ui->help_scroll));
    if (ui->help_scroll < hidden && inner.w > 20)
        area_text(inner, inner.w - 6, inner.h - 1, STYLE_WARN, _(" more "));
}

/* --- questions --- */

struct question {
    enum key_code code;
    const char *words, *brief; /* one %s each: the node */
};

static void question(const struct ui *ui, bool brief, struct text *out)
{
    static const struct question questions[] = {
        {KEY_CODE_KILL, N_("Kill %s (SIGKILL)? What it has prepared waits until it is back. (y/N)"),
         N_("Kill %s? (y/N)")},
        {KEY_CODE_RESTART, N_("Restart %s? It is stopped first if it runs. (y/N)"), N_("Restart %s? (y/N)")},
        {KEY_CODE_STOP_NODE, N_("Freeze %s (SIGSTOP)? It holds its locks until Z thaws it. (y/N)"),
         N_("Freeze %s? (y/N)")},
        {KEY_CODE_CUT, N_("Cut the link of %s? Both ends stay half-open until C heals it. (y/N)"),
         N_("Cut %s? (y/N)")},
    };
    if (ui->overlay == OVERLAY_QUIT)
        text_append(out, _("Leave now? (y/N)"));
    for (unsigned i = 0; ui->overlay != OVERLAY_QUIT && i < sizeof questions / sizeof questions[0]; i++) {
        if (questions[i].code != ui->asked)
            continue;
        const char *words = brief ? _(questions[i].brief) : _(questions[i].words), *at = strstr(words, "%s");
        text_append_n(out, words, (size_t)(at - words));
        text_append(out, ui_node_name(ui, ui->asked_node + 1u));
        text_append(out, at + 2);
    }
}

static void draw_question(const struct ui *ui, struct area screen)
{
    char words[200];
    for (int brief = 0; brief < 2; brief++) {
        struct text text;
        text_init(&text, words, sizeof words);
        question(ui, brief, &text);
        if (canvas_columns(screen.canvas, words) + 4 <= screen.w)
            break;
    }
    int w = canvas_columns(screen.canvas, words);
    struct area inner = ui_window(screen, w + 4, 3, "", "");
    /* too narrow: the end, with the answer, matters most */
    area_text(inner, inner.w > w ? 1 : inner.w - w, inner.h / 2, STYLE_BOLD, words);
}

static int count_lines(const char *string)
{
    int lines = 0;
    for (; *string; string++)
        lines += *string == '\n';
    return lines;
}

/* What is unfinished, what happens to it, and the question at the very end. */
static void draw_quit(struct ui *ui, struct area screen)
{
    static const char *const fate[] = {N_("What is undecided is rolled back; what is decided COMMIT is"),
                                       N_("finished first, or by the next start.")};
    char words[64];
    struct text text;
    text_init(&text, words, sizeof words);
    question(ui, true, &text);
    int lines = count_lines(ui->unfinished);
    bool streams = ui->status.transfers > 0 || ui->status.orders > 0;
    struct area inner = ui_window(screen, 78, lines + streams + 7, _("Unfinished"), "");
    int bottom = inner.h - 1;
    area_text(inner, inner.w > 20, bottom, STYLE_BOLD, words);
    for (int i = 0; i < 2 && inner.h >= 6; i++)
        area_text_in(inner, 1, bottom - 2 + i, inner.w - 1, STYLE_DIM, _(fate[i]));
    int room = inner.h >= 6 ? bottom - 3 : bottom, y = 0;
    if (streams && room > 0)
        area_text_in(inner, 1, y++, inner.w - 1, STYLE_WARN, _("streams are running; leaving stops them"));
    int hidden = lines - (room - y);
    ui->quit_scroll = ui->quit_scroll > hidden ? hidden : ui->quit_scroll;
    ui->quit_scroll = ui->quit_scroll < 0 ? 0 : ui->quit_scroll;
    const char *p = ui->unfinished;
    for (int line = 0; *p && y < room; line++) {
        size_t n = strcspn(p, "\n");
        char clean[200];
        text_sanitise(clean, sizeof clean, p, n);
        if (line >= ui->quit_scroll)
            area_text_in(inner, 1, y++, inner.w - 1, STYLE_NORMAL, clean);
        p += n + (p[n] == '\n');
    }
}

void ui_overlay_draw(struct ui *ui, struct area screen)
{
    switch (ui->overlay) {
    case OVERLAY_HELP:
        draw_help(ui, screen);
        break;
    case OVERLAY_ASK:
        draw_question(ui, screen);
        break;
    case OVERLAY_QUIT:
        draw_quit(ui, screen);
        break;
    case OVERLAY_FAULTS:
        palette_draw(ui, screen);
        break;
    case OVERLAY_BRANCH:
        branch_draw(ui, screen);
        break;
    case OVERLAY_FORCE:
        force_draw(ui, screen);
        break;
    case OVERLAY_NONE:
        break;
    }
}
