/* The console without a terminal: keys in, cells out. Deterministic: time comes in with every call, so that a recorded
 * journal and a string of keys always give the same screen. One thread. */
#ifndef XATOP_UI_H
#define XATOP_UI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xatop/canvas.h"
#include "xatop/console.h"
#include "xatop/model.h"

/* Keys: characters as themselves (Unicode), others above. */
enum ui_key {
    UI_KEY_NONE = 0,
    UI_KEY_ESCAPE = 0x1b,
    UI_KEY_UP = 0x110000,
    UI_KEY_DOWN,
    UI_KEY_PAGE_UP,
    UI_KEY_PAGE_DOWN,
    UI_KEY_HOME,
    UI_KEY_END,
    UI_KEY_LEFT,
    UI_KEY_RIGHT,
    UI_KEY_BACKTAB,
    UI_KEY_BACKSPACE,
    UI_KEY_F1,
    UI_KEY_F10
};

#include "xatop/key_list.h"
#include "xatop/pane_list.h"

enum key_code {
#define X(code, key, shown, word, effect, help) KEY_CODE_##code,
    XATOP_KEY_LIST(X)
#undef X
    KEY_CODES
};

enum key_effect { EFFECT_LOOK, EFFECT_ACT, EFFECT_DESTROY };

struct key_row {
    int key;
    const char *shown, *word, *help; /* shown "": not listed in help; word "": not in the footer */
    enum key_effect effect;
};
/* The key list, for whoever documents it. */
const struct key_row *key_rows(size_t *count);

enum pane {
#define X(code, prefix, key, title, help) PANE_##code,
    XATOP_PANE_LIST(X)
#undef X
    PANES
};

struct pane_row {
    const char *name, *title, *help;
    char key;
};
const struct pane_row *pane_rows(size_t *count);

enum ui_overlay {
    OVERLAY_NONE,
    OVERLAY_HELP,
    OVERLAY_ASK,
    OVERLAY_QUIT,
    OVERLAY_FAULTS, /* the palette */
    OVERLAY_BRANCH, /* one branch in doubt: its verdict, and whether to recover */
    OVERLAY_FORCE   /* that branch, by hand */
};

enum palette_column { PALETTE_KIND, PALETTE_POINT, PALETTE_NODE, PALETTE_NTH, PALETTE_MS, PALETTE_COLUMNS };

/* A fault as picked, or as typed. */
struct palette {
    uint8_t column, kind, point, node; /* node: 0 any, then the nodes, then the first and the second branch */
    uint8_t ms;                        /* index of a step */
    uint16_t nth;
    bool typing;
    char typed[96];
};

enum force_field { FORCE_WHAT, FORCE_REASON, FORCE_XID, FORCE_FIELDS };

struct force_form {
    uint8_t field;
    bool commit, chosen, against; /* against: said so, and Enter once more does it */
    char reason[XATOP_REASON_MAX], xid[8]; /* xid: its first characters, as typed */
    char missing[XATOP_REASON_MAX];        /* what is, after Enter */
};

/* Which branch is selected in the pane of doubts; txn 0: by xid and node. */
struct doubt_key {
    uint64_t txn;
    uint32_t epoch;
    uint8_t branch, node;
    char xid[XATOP_REASON_MAX];
};

struct ui {
    const struct console_ports *ports;
    struct model model; /* the newest snapshot, or the frozen one */
    struct console_status status;
    int64_t now_us, wall_ms; /* of what is shown */
    /* view */
    enum pane focus;
    bool zoom, frozen, ascii;
    uint64_t frozen_at; /* generation */
    int64_t refresh_ms;
    uint8_t node;               /* selected */
    bool follow;                /* the trace shows the newest transaction */
    uint32_t selected_epoch, shown_epoch; /* selected in the list, shown in the trace; txn 0: the newest */
    uint64_t selected_txn, shown_txn;
    int trace_scroll, help_scroll, quit_scroll; /* rows up from the end, down from the top, down from the top */
    /* the transaction of the trace pane is kept although the model may have to let it go */
    bool kept;
    int64_t held_until_us; /* while streams run: not another one before */
    struct model_txn kept_txn;
    struct model_trace kept_trace;
    struct doubt_key doubt;     /* selected; nothing set: the first */
    int64_t look_at_us;         /* not another look before */
    struct palette palette;
    struct force_form force;
    char waiters_xid[XATOP_REASON_MAX], waiters[XATOP_ERROR_MAX]; /* who waits for that branch, as told */
    enum ui_overlay overlay;
    enum key_code asked;        /* OVERLAY_ASK: about what */
    uint8_t asked_node;
    char toast[XATOP_ERROR_MAX];
    int toast_level;
    int64_t toast_until_us;
    uint64_t seen_notice;       /* the newest notice when the toast came */
    char unfinished[1024];      /* OVERLAY_QUIT */
    bool repaint, quit, doubts_shown; /* wanted, wanted; the pane of doubts was drawn last time */
};

/* @ports must outlive @ui. */
void ui_init(struct ui *ui, const struct console_ports *ports, int64_t now_us);
/* Take a new snapshot if there is one and the view is not frozen. True: something is new. */
bool ui_refresh(struct ui *ui, int64_t now_us, int64_t wall_ms);
/* Set ui->quit or ui->repaint if that is what the key wants. */
void ui_key(struct ui *ui, int key, int64_t now_us);
/* A paste came: it is dropped, and said so. */
void ui_paste(struct ui *ui, int64_t now_us);
void ui_toast(struct ui *ui, int level, const char *words, int64_t now_us);
void ui_draw(struct ui *ui, struct canvas *canvas);

#endif
