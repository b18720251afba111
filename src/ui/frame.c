#include "config.h"

#include "pane.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- header --- */

struct segment {
    char words[64];
    bool alert;
};

enum { SEGMENTS_MAX = 16 };

struct header {
    unsigned count;
    struct segment segments[SEGMENTS_MAX];
};

__attribute__((format(printf, 3, 4))) static void add(struct header *header, bool alert, const char *format,
                                                      ...)
{
    if (header->count == SEGMENTS_MAX)
        return;
    struct segment *segment = &header->segments[header->count++];
    struct text words;
    text_init(&words, segment->words, sizeof segment->words);
    va_list args;
    va_start(args, format);
    text_vprintf(&words, format, args);
    va_end(args);
    segment->alert = alert;
}

static void mode(const struct ui *ui, struct header *header)
{
    if (ui->frozen)
        add(header, true, _("FROZEN +%" PRIu64), ui->status.generation - ui->frozen_at);
    else if (ui->ports->read_only)
        add(header, false, _("READ-ONLY"));
    else
        add(header, false, _("RUN"));
    if (ui->model.log_failed)
        add(header, true, _("LOG FAILED"));
}

/* The verdict of the last audit; with its age if it is old, as when a node cannot be asked. */
static void audited(const struct ui *ui, bool wide, struct header *header)
{
    enum { OLD_S = 30, STEP_S = 10 };
    const struct model_audit *audit = &ui->model.audit;
    int64_t age_s = (ui->now_us - audit->mono_us) / 1000000;
    char age[32] = "";
    if (audit->known && age_s >= OLD_S)
        snprintf(age, sizeof age, wide ? _(" %d s ago") : " %ds", (int)(age_s - age_s % STEP_S));
    add(header, audit->known && !audit->ok, "%s %s%s", wide ? _("conserved") : _("money"),
        !audit->known ? "?"
        : audit->ok   ? _("OK")
                      : _("VIOLATED"),
        age);
}

static void gather(const struct ui *ui, bool wide, bool wider, struct header *header)
{
    const struct model *model = &ui->model;
    char clock[WORDS_MAX], committed[WORDS_MAX], aborted[WORDS_MAX];
    words_clock(ui->wall_ms, false, clock);
    words_count((int64_t)model->committed, committed);
    words_count((int64_t)model->aborted, aborted);
    unsigned up = model_nodes_up(model), doubt = model_in_doubt(model);
    header->count = 0;
    add(header, false, "xatop");
    if (wide && ui->ports->title[0])
        add(header, false, "%s", ui->ports->title);
    mode(ui, header);
    add(header, up < model->node_count, wide ? _("nodes %u/%u up") : _("up %u/%u"), up, model->node_count);
    add(header, false, wide ? _("committed %s") : _("ok %s"), committed);
    add(header, false, wide ? _("aborted %s") : _("ab %s"), aborted);
    add(header, doubt > 0, wide ? _("in doubt %u%s") : _("doubt %u%s"), doubt, doubt ? "!" : "");
    audited(ui, wide, header);
    unsigned armed = model_faults_armed(model);
    if (armed > 0)
        add(header, true, wide ? _("ARMED %u") : _("ARM %u"), armed);
    else if (wide)
        add(header, false, _("faults 0"));
    if (ui->status.transfers > 0 || ui->status.orders > 0)
        add(header, false, wide ? _("streams %u") : _("str %u"), ui->status.transfers + ui->status.orders);
    if (wider)
        add(header, false, _("refresh %.1f s"), (double)ui->refresh_ms / 1000);
    add(header, false, "%s", clock);
}

static int columns(const struct header *header, const struct canvas *canvas, int gap)
{
    int n = 1;
    for (unsigned i = 0; i < header->count; i++)
        n += canvas_columns(canvas, header->segments[i].words) + gap;
    return n;
}

void ui_header_draw(const struct ui *ui, struct area line)
{
    if (line.w <= 0 || line.h <= 0)
        return;
    area_fill(line, STYLE_HEADER);
    static const struct {
        bool wide;
        int gap;
    } ways[] = {{true, 3}, {true, 2}, {false, 2}, {false, 1}};
    struct header header;
    int gap = 1;
    for (unsigned i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        gap = ways[i].gap;
        gather(ui, ways[i].wide, ways[i].wide && line.w >= 140, &header);
        if (columns(&header, line.canvas, gap) - gap <= line.w)
            break;
    }
    /* what cannot be seen must not be what hurts: on a very narrow screen the alerts come first */
    bool narrow = columns(&header, line.canvas, gap) - gap > line.w;
    int x = line.w > 10;
    for (int pass = narrow ? 0 : 1; pass < 2; pass++)
        for (unsigned i = 0; i < header.count; i++) {
            const struct segment *segment = &header.segments[i];
            if (narrow && segment->alert != (pass == 0))
                continue;
            x += area_text(line, x, 0, segment->alert ? STYLE_HEADER_ALERT : STYLE_HEADER, segment->words) +
                 gap;
        }
}

/* --- what is armed --- */

void ui_banner_draw(const struct ui *ui, struct area line)
{
    if (line.w <= 0 || line.h <= 0)
        return;
    static const char *const ends[] = {N_("  F disarms all"), N_("  F disarms"), ""};
    unsigned armed = model_faults_armed(&ui->model), shown = 0;
    bool read_only = ui->ports->read_only;
    area_fill(line, STYLE_HEADER_ALERT);
    int x = line.w > 10;
    x += area_text(line, x, 0, STYLE_HEADER_ALERT, line.w >= 40 ? _("! FAULT ARMED: ") : "! ");
    const char *end = _(ends[read_only ? 2 : line.w >= 60 ? 0 : line.w >= 40 ? 1 : 2]);
    int room = line.w - canvas_columns(line.canvas, end) - 8;
    for (unsigned age = MODEL_FAULTS; age-- > 0;) { /* the oldest first */
        const struct model_fault *fault = model_fault_at(&ui->model, age);
        if (!fault || fault->state != MODEL_FAULT_ARMED)
            continue;
        int w = canvas_columns(line.canvas, fault->spec) + 2;
        if (shown > 0 && x + w > room)
            break;
        if (shown++ > 0)
            x += area_text(line, x, 0, STYLE_HEADER_ALERT, ", ");
        x += area_text_in(line, x, 0, room > x ? room - x : line.w - x, STYLE_HEADER_ALERT, fault->spec);
    }
    if (shown < armed)
        x += area_printf(line, x, 0, STYLE_HEADER_ALERT, _(" +%u"), armed - shown);
    area_text(line, x, 0, STYLE_HEADER_ALERT, end);
}

/* --- notice and toast --- */

static void say(struct area line, int level, const char *words)
{
    static const enum style styles[] = {STYLE_NORMAL, STYLE_WARN, STYLE_BAD};
    static const char *const marks[] = {"", "! ", "!! "};
    level = level < 0 ? 0 : level > 2 ? 2 : level;
    int x = line.w > 10;
    x += area_text(line, x, 0, styles[level], marks[level]);
    area_text_in(line, x, 0, line.w - x, styles[level], words);
}

/* Why something was refused is read to its end: over the last rows of the panes if need be. */
static void say_whole(struct area line, int level, const char *words)
{
    enum { LINES_MAX = 3, ROOM_ABOVE = 12 };
    int w = line.w - 4;
    if (w < 20 || line.y < ROOM_ABOVE || canvas_columns(line.canvas, words) <= w) {
        say(line, level, words);
        return;
    }
    struct area box = line;
    for (box.h = 2; box.h < LINES_MAX && canvas_columns(line.canvas, words) > box.h * (w - 12); box.h++)
        ;
    box.y -= box.h - 1;
    area_fill(box, STYLE_NORMAL);
    say(area_sub(box, 0, 0, 4, 1), level, "");
    area_wrapped(box, 4, 0, w, box.h, level > 1 ? STYLE_BAD : level > 0 ? STYLE_WARN : STYLE_NORMAL, words);
}

void ui_notice_draw(const struct ui *ui, struct area line)
{
    enum { QUIET_US = 60 * 1000000 };
    const struct model_notice *newest = model_notice_at(&ui->model, 0);
    bool news = newest && newest->number > ui->seen_notice;
    if (ui->toast[0] && ui->now_us < ui->toast_until_us && !(news && newest->level >= ui->toast_level)) {
        say_whole(line, ui->toast_level, ui->toast);
    } else if (newest && (newest->level > 1 || ui->now_us - newest->mono_us < QUIET_US)) {
        char clock[WORDS_MAX], words[XATOP_REASON_MAX + WORDS_MAX];
        struct text text;
        text_init(&text, words, sizeof words);
        words_clock(newest->wall_ms, false, clock);
        text_printf(&text, "%s %s", clock, newest->text);
        say(line, newest->level, words);
    }
}

/* --- footer: the keys that work here --- */

static bool works_here(const struct ui *ui, unsigned code, const struct key_row *row)
{
    if (!row->word[0] || (ui->ports->read_only && row->effect != EFFECT_LOOK))
        return false;
    switch (code) {
    case KEY_CODE_STOP:
        return ui->status.transfers > 0 || ui->status.orders > 0;
    case KEY_CODE_KILL:
    case KEY_CODE_RESTART:
    case KEY_CODE_STOP_NODE:
    case KEY_CODE_CUT:
        return ui->focus == PANE_NODES;
    case KEY_CODE_DISARM:
        return model_faults_armed(&ui->model) > 0;
    case KEY_CODE_OPEN:
        return ui->focus == PANE_TXNS || ui->focus == PANE_DOUBT;
    case KEY_CODE_LIVE:
        return !ui->follow || ui->selected_txn != 0;
    default:
        return true;
    }
}

static int hint(struct area line, int x, const struct key_row *row)
{
    int start = x;
    x += area_text(line, x, 0, STYLE_KEY, row->shown) + 1;
    return x + area_text(line, x, 0, STYLE_DIM, _(row->word)) - start;
}

void ui_footer_draw(const struct ui *ui, struct area line)
{
    if (line.h <= 0)
        return;
    size_t count;
    const struct key_row *rows = key_rows(&count);
    bool shown[KEY_CODES] = {[KEY_CODE_HELP] = true, [KEY_CODE_QUIT] = true};
    int gap = line.w > 100 ? 2 : 1, used = 1;
    for (int pass = 0; pass < 2; pass++) /* help and quit have their place before all others */
        for (unsigned i = 0; i < count; i++) {
            bool always = i == KEY_CODE_HELP || i == KEY_CODE_QUIT;
            if (always != (pass == 0) || !works_here(ui, i, &rows[i]))
                continue;
            int w =
                canvas_columns(line.canvas, rows[i].shown) + 1 + canvas_columns(line.canvas, _(rows[i].word));
            if (used + w > line.w)
                continue;
            shown[i] = true;
            used += w + gap;
        }
    int x = line.w > 10;
    for (unsigned i = 0; i < count; i++)
        if (shown[i] && rows[i].word[0])
            x += hint(line, x, &rows[i]) + gap;
}
