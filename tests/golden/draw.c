/* draw WIDTHxHEIGHT [KEYS] [ascii] [read-only] [styles] [streams] <JOURNAL: the console's screen as text, after KEYS, at the last
 * moment of the journal. KEYS: characters as they are, others as <Tab> <Enter> <Up> <Down> <PgUp> <PgDn> <Home> <End> <Esc>
 * <Left> <Right> <BS> <F1> <F10> <Space> <BackTab> <^L> <Paste>. */
#include "config.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault_menu.h"
#include "xatop/trace.h"
#include "xatop/ui.h"

static struct model model;
static struct ui ui;
static struct canvas canvas;
static struct console_status status = {.generation = 1};

static bool snapshot(void *ctx, uint64_t known, struct model *out, struct console_status *status_out)
{
    *status_out = status;
    if (out)
        *out = model;
    return known != status.generation;
}

static enum status wish(void *ctx, const struct console_request *request, struct err *err)
{
    return STATUS_OK;
}

static uint32_t unfinished(void *ctx, struct text *out)
{
    text_append(out,
                "xa1.lab.0000000000005eed.00000003.000000000072  COMMITTING  beta has not acknowledged\n");
    return 1;
}

static int64_t last_us, last_wall_ms;

static void load(FILE *in)
{
    static const char *const names[] = {"alpha", "beta"};
    char line[4096];
    model_init(&model, names, 2);
    while (fgets(line, sizeof line, in)) {
        struct trace_event event;
        if (!trace_from_json(line, strcspn(line, "\n"), &event))
            continue;
        model_apply(&model, &event);
        last_us = event.mono_us;
        last_wall_ms = event.wall_ms;
    }
}

static void press(const char *keys)
{
    static const struct {
        const char *name;
        int key;
    } named[] = {{"<Tab>", '\t'},
                 {"<Enter>", '\r'},
                 {"<Up>", UI_KEY_UP},
                 {"<Down>", UI_KEY_DOWN},
                 {"<PgUp>", UI_KEY_PAGE_UP},
                 {"<PgDn>", UI_KEY_PAGE_DOWN},
                 {"<Home>", UI_KEY_HOME},
                 {"<End>", UI_KEY_END},
                 {"<Esc>", UI_KEY_ESCAPE},
                 {"<BS>", UI_KEY_BACKSPACE},
                 {"<F1>", UI_KEY_F1},
                 {"<F10>", UI_KEY_F10},
                 {"<Space>", ' '},
                 {"<BackTab>", UI_KEY_BACKTAB},
                 {"<Left>", UI_KEY_LEFT},
                 {"<Right>", UI_KEY_RIGHT},
                 {"<^L>", 0x0c},
                 {"<Paste>", -1}};
    while (*keys) {
        int key = (unsigned char)*keys;
        size_t n = 1;
        for (size_t i = 0; i < sizeof named / sizeof named[0]; i++)
            if (strncmp(keys, named[i].name, strlen(named[i].name)) == 0) {
                key = named[i].key;
                n = strlen(named[i].name);
            }
        keys += n;
        if (key == -1)
            ui_paste(&ui, last_us);
        else
            ui_key(&ui, key, last_us);
        ui_draw(&ui, &canvas); /* as the console does after each key: drawing stops what scrolls too far */
    }
}

int main(int argc, char **argv)
{
    struct console_ports ports = {.snapshot = snapshot,
                                  .wish = wish,
                                  .unfinished = unfinished,
                                  .faults = fault_menu(2),
                                  .title = "lab.conf",
                                  .node_count = 2,
                                  .wake_fd = -1};
    int w, h;
    if (argc < 2 || sscanf(argv[1], "%dx%d", &w, &h) != 2 || !setlocale(LC_ALL, "C.UTF-8"))
        return 2;
    bool styles = false;
    for (int i = 3; i < argc; i++) {
        ports.ascii |= strcmp(argv[i], "ascii") == 0;
        ports.read_only |= strcmp(argv[i], "read-only") == 0;
        styles |= strcmp(argv[i], "styles") == 0;
        if (strcmp(argv[i], "streams") == 0)
            status.transfers = 4;
    }
    load(stdin);
    last_us += 1000000; /* the last second is over */
    last_wall_ms += 1000;
    ui_init(&ui, &ports, last_us);
    if (!canvas_resize(&canvas, w, h))
        return 1;
    ui_refresh(&ui, last_us, last_wall_ms);
    press(argc > 2 ? argv[2] : "");
    ui_draw(&ui, &canvas);
    size_t cap = (size_t)canvas.w * (size_t)canvas.h * 4 + (size_t)canvas.h + 1;
    char *buffer = malloc(cap);
    if (!buffer)
        return 1;
    struct text text;
    text_init(&text, buffer, cap);
    if (styles)
        canvas_styles_to_text(&canvas, &text);
    else
        canvas_to_text(&canvas, &text);
    fputs(buffer, stdout);
    free(buffer);
    canvas_free(&canvas);
    return 0;
}
