#include "config.h"

#include "pane.h"

#include <string.h>

/* f: a fault by kind, point, node and pass, each a column to be moved in, or typed. What is picked stays for the next time. */

enum { WINDOW_W = 76, WINDOW_H = 20, COLUMNS_H = 9, HELP_H = 2, NTH_MAX = 99 };

static const int32_t steps_ms[] = {100, 200, 500, 1000, 2000, 5000, 10000, 30000};
enum { STEPS = sizeof steps_ms / sizeof steps_ms[0] };

static const struct console_fault_kind *kind_of(const struct ui *ui)
{
    return &ui->ports->faults.kinds[ui->palette.kind];
}

static bool fits(const struct ui *ui, unsigned point)
{
    return point < ui->ports->faults.point_count && (kind_of(ui)->points & UINT32_C(1) << point) != 0;
}

/* Where the picked kind has no meaning at the picked point: the nearest after it that has. What was picked is not forgotten:
 * with the next kind it may have one. */
static unsigned point_of(const struct ui *ui)
{
    unsigned count = ui->ports->faults.point_count, point = ui->palette.point;
    for (unsigned i = 0; i < count && !fits(ui, point); i++)
        point = (point + 1) % count;
    return point;
}

static bool point_per_node(const struct ui *ui)
{
    return ui->ports->faults.points[point_of(ui)].per_node;
}

/* The nodes that may be named; with none to name it is the point of no node. */
static bool names_node(const struct ui *ui)
{
    return point_per_node(ui) || kind_of(ui)->strikes;
}

static unsigned node_choices(const struct ui *ui)
{
    enum { BRANCHES = 2 };
    return names_node(ui) ? 1u + ui->model.node_count + BRANCHES : 1u;
}

/* "any", a node's name, or the number of a branch. */
static void node_word(const struct ui *ui, unsigned choice, char out[WORDS_MAX + XATOP_NAME_MAX])
{
    struct text text;
    text_init(&text, out, WORDS_MAX + XATOP_NAME_MAX);
    if (choice == 0)
        text_append(&text, !names_node(ui) ? _("(none)") : point_per_node(ui) ? _("any") : _("(pick one)"));
    else if (choice <= ui->model.node_count)
        text_append(&text, ui->model.nodes[choice - 1].name);
    else
        text_printf(&text, _("branch %u"), choice - ui->model.node_count);
}

static void settle(struct ui *ui)
{
    struct palette *palette = &ui->palette;
    if (palette->kind >= ui->ports->faults.kind_count)
        palette->kind = 0;
    if (palette->node >= node_choices(ui))
        palette->node = 0;
    if (palette->node == 0 && names_node(ui) && !point_per_node(ui) && ui->model.node_count > 0)
        palette->node = (uint8_t)(1 + (ui->node < ui->model.node_count ? ui->node : 0));
    if (palette->column == PALETTE_MS && !kind_of(ui)->takes_ms)
        palette->column = PALETTE_NTH;
}

/* KIND[=MS]@POINT[:NODE][#NTH] of what is picked. */
static void spec_of(const struct ui *ui, struct text *out)
{
    const struct palette *palette = &ui->palette;
    text_append(out, kind_of(ui)->name);
    if (kind_of(ui)->takes_ms)
        text_printf(out, "=%d", (int)steps_ms[palette->ms]);
    text_printf(out, "@%s", ui->ports->faults.points[point_of(ui)].name);
    if (palette->node > ui->model.node_count)
        text_printf(out, ":%u", palette->node - (unsigned)ui->model.node_count);
    else if (palette->node > 0)
        text_printf(out, ":%s", ui->model.nodes[palette->node - 1].name);
    if (palette->nth > 1)
        text_printf(out, "#%u", palette->nth);
}

void palette_open(struct ui *ui)
{
    if (ui->ports->faults.kind_count == 0 || ui->ports->faults.point_count == 0) {
        ui_toast(ui, 1, _("no faults here"), ui->now_us);
        return;
    }
    ui->overlay = OVERLAY_FAULTS;
    ui->palette.column = PALETTE_KIND;
    ui->palette.typing = false;
    settle(ui);
}

/* --- keys --- */

static void arm(struct ui *ui, int64_t now_us)
{
    char spec[sizeof ui->palette.typed];
    struct text text;
    text_init(&text, spec, sizeof spec);
    if (ui->palette.typing)
        text_append(&text, ui->palette.typed);
    else
        spec_of(ui, &text);
    if (!spec[0]) /* nothing is no fault: it would disarm all */
        return;
    ui->overlay = OVERLAY_NONE;
    ui_wish(ui, &(struct console_request){.wish = WISH_ARM, .words = spec}, NULL, now_us);
}

static void typing_key(struct ui *ui, int raw, int64_t now_us)
{
    struct palette *palette = &ui->palette;
    if (raw == '\r' || raw == '\n')
        arm(ui, now_us);
    else if (raw == UI_KEY_ESCAPE || (raw == UI_KEY_BACKSPACE && !palette->typed[0]))
        palette->typing = false;
    else
        edit_key(palette->typed, sizeof palette->typed, raw);
}

static unsigned clamp(int value, int max)
{
    return (unsigned)(value < 0 ? 0 : value > max ? max : value);
}

static void move(struct ui *ui, int by)
{
    struct palette *palette = &ui->palette;
    int points = ui->ports->faults.point_count, point = (int)point_of(ui);
    switch (palette->column) {
    case PALETTE_KIND:
        palette->kind = (uint8_t)clamp(palette->kind + by, ui->ports->faults.kind_count - 1);
        break;
    case PALETTE_POINT:
        for (int step = by < 0 ? -1 : 1, left = by * step; left > 0; left--) {
            int next = point + step;
            while (next >= 0 && next < points && !fits(ui, (unsigned)next))
                next += step;
            if (next < 0 || next >= points)
                break;
            point = next;
        }
        palette->point = (uint8_t)point;
        break;
    case PALETTE_NODE:
        palette->node = (uint8_t)clamp(palette->node + by, (int)node_choices(ui) - 1);
        break;
    case PALETTE_NTH:
        palette->nth = (uint16_t)(1 + clamp(palette->nth - 1 + by, NTH_MAX - 1));
        break;
    case PALETTE_MS:
        palette->ms = (uint8_t)clamp(palette->ms + by, STEPS - 1);
        break;
    }
    settle(ui);
}

static void turn(struct ui *ui, int by)
{
    int columns = kind_of(ui)->takes_ms ? PALETTE_COLUMNS : PALETTE_COLUMNS - 1;
    ui->palette.column = (uint8_t)((ui->palette.column + by + columns) % columns);
}

static void begin_typing(struct ui *ui, bool anew)
{
    struct text text;
    text_init(&text, ui->palette.typed, sizeof ui->palette.typed);
    if (!anew)
        spec_of(ui, &text);
    ui->palette.typing = true;
}

void palette_key(struct ui *ui, int raw, int key, int64_t now_us)
{
    if (ui->palette.typing) {
        typing_key(ui, raw, now_us);
        return;
    }
    switch (key) {
    case UI_KEY_UP:
        move(ui, -1);
        break;
    case UI_KEY_DOWN:
        move(ui, 1);
        break;
    case UI_KEY_PAGE_UP:
        move(ui, -8);
        break;
    case UI_KEY_PAGE_DOWN:
        move(ui, 8);
        break;
    case UI_KEY_HOME:
        move(ui, -MOVE_END);
        break;
    case UI_KEY_END:
        move(ui, MOVE_END);
        break;
    case UI_KEY_LEFT:
    case UI_KEY_BACKTAB:
    case 'h':
        turn(ui, -1);
        break;
    case UI_KEY_RIGHT:
    case '\t':
    case 'l':
        turn(ui, 1);
        break;
    case '\r':
        arm(ui, now_us);
        break;
    case ':':
    case 'e':
        begin_typing(ui, key == ':');
        break;
    case 'F':
        ui_wish(ui, &(struct console_request){.wish = WISH_ARM, .words = ""}, NULL, now_us);
        break;
    case 'q':
    case 'f':
    case UI_KEY_ESCAPE:
        ui->overlay = OVERLAY_NONE;
        break;
    default:
        break;
    }
}

/* --- drawing --- */

static void cell(const struct ui *ui, struct area area, int x, int y, int w, enum palette_column column,
                 bool picked, bool can, const char *word)
{
    bool here = picked && ui->palette.column == column && !ui->palette.typing;
    enum style style = here ? STYLE_SELECT : picked ? STYLE_BOLD : can ? STYLE_NORMAL : STYLE_DIM;
    if (picked)
        area_glyph(area, x, y, STYLE_BOLD, GLYPH_SELECTED);
    area_text_in(area, x + 2, y, w - 3, style, word);
    if (here) {
        area_cursor(area, x + 2, y);
    }
}

/* The first row to be shown so that @picked of @count is among @room. */
static unsigned scrolled(unsigned picked, unsigned count, int room)
{
    unsigned rows = room > 0 ? (unsigned)room : 1;
    if (count <= rows || picked < rows / 2)
        return 0;
    return picked - rows / 2 + rows > count ? count - rows : picked - rows / 2;
}

static void draw_kinds(const struct ui *ui, struct area area)
{
    unsigned count = ui->ports->faults.kind_count, first = scrolled(ui->palette.kind, count, area.h);
    for (unsigned i = first; i < count && (int)(i - first) < area.h; i++)
        cell(ui, area, 0, (int)(i - first), area.w, PALETTE_KIND, i == ui->palette.kind, true,
             ui->ports->faults.kinds[i].name);
}

static void draw_points(const struct ui *ui, struct area area)
{
    uint8_t list[32];
    unsigned count = 0, picked = 0;
    for (unsigned i = 0; i < ui->ports->faults.point_count && count < sizeof list; i++)
        if (fits(ui, i)) {
            picked = i == point_of(ui) ? count : picked;
            list[count++] = (uint8_t)i;
        }
    unsigned first = scrolled(picked, count, area.h);
    for (unsigned i = first; i < count && (int)(i - first) < area.h; i++)
        cell(ui, area, 0, (int)(i - first), area.w, PALETTE_POINT, i == picked, true,
             ui->ports->faults.points[list[i]].name);
    if (first + (unsigned)area.h < count)
        area_text(area, area.w - 2, area.h - 1, STYLE_DIM, "v");
    if (first > 0)
        area_text(area, area.w - 2, 0, STYLE_DIM, "^");
}

static void draw_nodes(const struct ui *ui, struct area area)
{
    char word[WORDS_MAX + XATOP_NAME_MAX];
    unsigned count = node_choices(ui), first = scrolled(ui->palette.node, count, area.h);
    for (unsigned i = first; i < count && (int)(i - first) < area.h; i++) {
        bool node = i > 0 && i <= ui->model.node_count;
        bool can = !node || !kind_of(ui)->strikes || (kind_of(ui)->nodes & 1u << (i - 1)) != 0;
        node_word(ui, i, word);
        cell(ui, area, 0, (int)(i - first), area.w, PALETTE_NODE, i == ui->palette.node, can, word);
    }
}

static void draw_numbers(const struct ui *ui, struct area nth, struct area ms)
{
    char word[WORDS_MAX];
    struct text text;
    text_init(&text, word, sizeof word);
    text_printf(&text, "#%u", ui->palette.nth);
    cell(ui, nth, 0, 0, nth.w, PALETTE_NTH, true, true, word);
    if (!kind_of(ui)->takes_ms)
        return;
    for (unsigned i = 0; i < STEPS && (int)i < ms.h; i++) {
        text_init(&text, word, sizeof word);
        text_printf(&text, "%d", (int)steps_ms[i]);
        cell(ui, ms, 0, (int)i, ms.w, PALETTE_MS, i == ui->palette.ms, true, word);
    }
}

static void draw_columns(const struct ui *ui, struct area area)
{
    static const struct {
        const char *head;
        int x, w;
    } columns[PALETTE_COLUMNS] = {{N_("kind"), 1, 11},
                                  {N_("at which point"), 12, 19},
                                  {N_("of which node"), 31, 20},
                                  {N_("which pass"), 51, 12},
                                  {N_("ms"), 63, 10}};
    struct area part[PALETTE_COLUMNS];
    for (int i = 0; i < PALETTE_COLUMNS; i++) {
        bool here = i == ui->palette.column && !ui->palette.typing;
        if (i < PALETTE_MS || kind_of(ui)->takes_ms)
            area_text_in(area, columns[i].x, 0, columns[i].w, here ? STYLE_FOCUS : STYLE_DIM,
                         _(columns[i].head));
        part[i] = area_sub(area, columns[i].x, 1, columns[i].w, area.h - 1);
    }
    draw_kinds(ui, part[PALETTE_KIND]);
    draw_points(ui, part[PALETTE_POINT]);
    draw_nodes(ui, part[PALETTE_NODE]);
    draw_numbers(ui, part[PALETTE_NTH], part[PALETTE_MS]);
}

/* What is armed, then what has fired, newest first. */
static void draw_list(const struct ui *ui, struct area area)
{
    const struct model_fault *fault;
    int y = 0, fired = 0;
    for (unsigned age = 0; (fault = model_fault_at(&ui->model, age)); age++)
        fired |= fault->state == MODEL_FAULT_FIRED;
    for (int pass = 0; pass < 2; pass++)
        for (unsigned age = 0;
             y < area.h - (pass == 0 ? fired : 0) && (fault = model_fault_at(&ui->model, age)); age++) {
            char clock[WORDS_MAX];
            if (fault->state != (pass == 0 ? MODEL_FAULT_ARMED : MODEL_FAULT_FIRED))
                continue;
            words_clock(fault->fired_wall_ms, false, clock);
            int x = 1;
            if (pass == 0)
                x += area_text(area, x, y, STYLE_BAD, _("armed")) + 1;
            else
                x += area_printf(area, x, y, STYLE_DIM, _("fired %s in #%llu"), clock,
                                 (unsigned long long)fault->txn) +
                     1;
            area_text_in(area, x, y, area.w - x, STYLE_NORMAL, fault->spec);
            y++;
        }
    if (y == 0 && area.h > 0)
        area_text_in(area, 1, 0, area.w - 1, STYLE_DIM, _("nothing is armed, nothing has fired"));
}

void palette_draw(const struct ui *ui, struct area screen)
{
    char spec[sizeof ui->palette.typed];
    struct text text;
    struct area inner = ui_window(screen, WINDOW_W, WINDOW_H, _("Arm a fault"), _("q closes"));
    text_init(&text, spec, sizeof spec);
    if (ui->palette.typing)
        text_append(&text, ui->palette.typed);
    else
        spec_of(ui, &text);
    int x = inner.w > 20 ? 1 + area_text(inner, 1, 0, STYLE_DIM, _("fault "))
                         : area_text(inner, 0, 0, STYLE_DIM, ":");
    /* while it is typed its end matters */
    int over = ui->palette.typing ? x + canvas_columns(inner.canvas, spec) + 1 - inner.w : 0;
    size_t skip = over > 0 ? (size_t)over : 0;
    x += area_text_in(inner, x, 0, inner.w - x, STYLE_BOLD, spec + (skip < text.len ? skip : 0));
    if (ui->palette.typing) {
        area_text(inner, x, 0, STYLE_SELECT, " ");
        area_cursor(inner, x, 0);
    }
    int bottom = inner.h - 1;
    if (bottom > 0)
        area_text_in(inner, inner.w > 20, bottom, inner.w - 1, STYLE_KEY,
                     ui->palette.typing
                         ? _("Enter arms it  KIND[=MS]@POINT[:NODE][#NTH]  ^U clears  Esc menu")
                         : _("Enter arms it  arrows pick  : type one  e edit this one  F disarm all"));
    if (bottom < 3)
        return;
    area_wrapped(inner, 1, 1, inner.w - 2, HELP_H, STYLE_NORMAL, _(kind_of(ui)->help));
    int room = bottom - 1 - HELP_H, columns = room < COLUMNS_H + 1 ? room : COLUMNS_H + 1;
    draw_columns(ui, area_sub(inner, 0, 1 + HELP_H, inner.w, columns));
    draw_list(ui, area_sub(inner, 0, 1 + HELP_H + columns, inner.w, room - columns));
}
