/* Private to the console: a pane, the layout, and the words they share. */
#ifndef XATOP_UI_PANE_H
#define XATOP_UI_PANE_H

#include "xatop/i18n.h"
#include "xatop/ui.h"

/* What a pane file gives: pane_X_title, pane_X_draw, pane_X_move. */
struct pane_kind {
    struct pane_row row;
    /* Words after the title, and at the right end of the frame. */
    void (*title)(const struct ui *ui, struct text *left, struct text *right);
    void (*draw)(struct ui *ui, struct area area);
    /* Select or scroll by rows; beyond the ends: to the end. */
    void (*move)(struct ui *ui, int rows);
};
const struct pane_kind *pane_kind(enum pane pane);

#define X(code, prefix, key, title, help)                                                                    \
    void pane_##prefix##_title(const struct ui *ui, struct text *left, struct text *right);                  \
    void pane_##prefix##_draw(struct ui *ui, struct area area);                                              \
    void pane_##prefix##_move(struct ui *ui, int rows);
XATOP_PANE_LIST(X)
#undef X

enum { MOVE_END = 1000000 };

/* Where everything is; an area of no size is not shown. Small: below 60x16, lines instead of panes. */
struct layout {
    bool small;
    struct area header, banner, notice, footer, body, panes[PANES]; /* banner: while a fault is armed */
};
void ui_layout(const struct ui *ui, struct area screen, struct layout *out);

void ui_header_draw(const struct ui *ui, struct area line);
void ui_banner_draw(const struct ui *ui, struct area line);
void ui_notice_draw(const struct ui *ui, struct area line);
void ui_footer_draw(const struct ui *ui, struct area line);
void ui_small_draw(struct ui *ui, struct area area);
void ui_overlay_draw(struct ui *ui, struct area screen);

/* A frame in the middle of the screen for @w times @h inside; returns the inside. */
struct area ui_window(struct area screen, int w, int h, const char *title, const char *right);
/* Words over several lines, cut at blanks; at most @h lines. Returns how many. */
int area_wrapped(struct area area, int x, int y, int w, int h, enum style style, const char *string);

/* The hidden cursor, for displays that follow it. */
void area_cursor(struct area area, int x, int y);

/* --- what is asked for --- */
/* Ask, say @said (may be NULL) if it is taken and why not if it is not. */
bool ui_wish(struct ui *ui, const struct console_request *request, const char *said, int64_t now_us);
/* A key for what is typed: appended, deleted, all of it deleted (^U). False: it is no such key. */
bool edit_key(char *string, size_t cap, int key);

/* --- overlays with keys of their own; @raw as pressed, @key what it stands for --- */
void palette_open(struct ui *ui);
void palette_key(struct ui *ui, int raw, int key, int64_t now_us);
void palette_draw(const struct ui *ui, struct area screen);
void branch_open(struct ui *ui);
void branch_key(struct ui *ui, int key, int64_t now_us);
void branch_draw(const struct ui *ui, struct area screen);
void force_key(struct ui *ui, int raw, int key, int64_t now_us);
void force_draw(const struct ui *ui, struct area screen);

/* --- branches in doubt --- */
struct doubt_row {
    const struct model_verdict *verdict; /* NULL: no look has seen it */
    const struct model_txn *txn;         /* NULL: not ours, or not listed any more */
    uint8_t branch, node;                /* 0: not known */
    uint8_t rank;                        /* what hurts most first */
};
enum { DOUBT_ROWS = 320, DOUBT_RANK_DONE = 8 };
struct doubt_rows {
    unsigned count;
    struct doubt_row rows[DOUBT_ROWS];
};
void doubt_gather(const struct model *model, struct doubt_rows *out);
/* Index of the selected one; -1: it is not there any more. Nothing selected: 0. */
int doubt_selected(const struct ui *ui, const struct doubt_rows *rows);
void doubt_select(struct ui *ui, const struct doubt_row *row);
bool doubt_foreign(const struct doubt_row *row);
const char *doubt_word(const struct doubt_row *row, enum style *style); /* "COMMIT" */
void doubt_name(const struct doubt_row *row, struct text *out);         /* "#113/2" */
/* The rule in words, the evidence, the next try; "" if there is nothing to say. */
void doubt_why(const struct doubt_row *row, struct text *out);
void doubt_evidence(const struct ui *ui, const struct doubt_row *row, struct text *out);
void doubt_retry(const struct ui *ui, const struct doubt_row *row, struct text *out);

/* --- words --- */
enum { WORDS_MAX = 32 };
/* 1234 us: "1.23 ms"; at most 8 columns up to an hour; negative: "-". */
void words_duration(int64_t us, char out[WORDS_MAX]);
/* The number alone, in milliseconds. */
void words_ms(int64_t us, char out[WORDS_MAX]);
void words_clock(int64_t wall_ms, bool millis, char out[WORDS_MAX]); /* local time HH:MM:SS[.mmm] */
void words_count(int64_t count, char out[WORDS_MAX]);                /* -1: "-"; 1234567: "1.2M" */
const char *words_txn_state(const struct model_txn *txn, enum style *style);
const char *words_node_state(enum node_state state, enum style *style);
char words_branch_letter(unsigned branch_state);
/* How long @txn took as told, or takes as of now. */
int64_t txn_elapsed_us(const struct ui *ui, const struct model_txn *txn);
const char *ui_node_name(const struct ui *ui, unsigned node_plus_1);

#endif
