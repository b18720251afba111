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
    struct area header, notice, footer, body, panes[PANES];
};
void ui_layout(const struct ui *ui, struct area screen, struct layout *out);

void ui_header_draw(const struct ui *ui, struct area line);
void ui_notice_draw(const struct ui *ui, struct area line);
void ui_footer_draw(const struct ui *ui, struct area line);
void ui_small_draw(struct ui *ui, struct area area);
void ui_overlay_draw(struct ui *ui, struct area screen);

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
