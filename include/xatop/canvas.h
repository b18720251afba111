/* Cells first, terminal last: panes draw into a grid of cells, tests read it as text, screen.c shows it.
 *
 * Everything drawn goes through the sanitiser again and is clipped to its area: no string can leave its pane, move a cursor or
 * turn a line. Widths are wcwidth's, so the locale must be set before. One thread. */
#ifndef XATOP_CANVAS_H
#define XATOP_CANVAS_H

#include <stdbool.h>
#include <stdint.h>

#include "xatop/text.h"

/* What a cell means; screen.c gives it a colour, or in monochrome an attribute. Meaning never rests on it alone.
 * code, letter in golden screens, colour of 8, of 256 (readable on light and dark, apart for the colour-blind), attributes with
 * colours, without. -1 = the terminal's own. b bold, d dim, r reverse, u underline */
#define XATOP_STYLE_LIST(X)                                                                                 \
    X(NORMAL, '.', -1, -1, "", "")                                                                          \
    X(DIM, 'd', -1, -1, "d", "")                                                                            \
    X(BOLD, 'b', -1, -1, "b", "b")                                                                          \
    X(BORDER, 'x', -1, 245, "", "")                                                                         \
    X(FOCUS, 'X', 6, 32, "b", "b")                                                                          \
    X(TITLE, 't', -1, -1, "b", "b")                                                                         \
    X(HEADER, 'h', -1, -1, "r", "r")                                                                        \
    X(HEADER_ALERT, 'H', 1, 166, "br", "bru")                                                               \
    X(SELECT, 's', -1, -1, "r", "r")                                                                        \
    X(KEY, 'k', -1, -1, "b", "b")                                                                           \
    X(GOOD, 'g', 2, 36, "", "")                                                                             \
    X(BUSY, 'w', 6, 32, "", "")                                                                             \
    X(WARN, 'W', 3, 172, "b", "b")                                                                          \
    X(BAD, 'B', 1, 166, "b", "br")                                                                          \
    X(FORCED, 'f', 5, 133, "b", "b")                                                                        \
    X(GRAPH, 'G', 6, 32, "", "")

enum style {
#define X(code, letter, colour8, colour256, colour_attributes, mono_attributes) STYLE_##code,
    XATOP_STYLE_LIST(X)
#undef X
    STYLES
};

/* Drawing signs: code, UTF-8 (one column each), ASCII */
#define XATOP_GLYPH_LIST(X)                                                                                 \
    X(HORIZONTAL, "─", "-")                                                                                 \
    X(VERTICAL, "│", "|")                                                                                   \
    X(TOP_LEFT, "┌", "+")                                                                                   \
    X(TOP_RIGHT, "┐", "+")                                                                                  \
    X(BOTTOM_LEFT, "└", "+")                                                                                \
    X(BOTTOM_RIGHT, "┘", "+")                                                                               \
    X(HEAD_RIGHT, "▶", ">")                                                                                 \
    X(HEAD_LEFT, "◀", "<")                                                                                  \
    X(DOTTED, "┄", ".")                                                                                     \
    X(LIFELINE, "┊", ":")                                                                                   \
    X(FORCED, "▓", "#")                                                                                     \
    X(SELECTED, "▶", ">")                                                                                   \
    X(DONE, "●", "*")                                                                                       \
    X(OPEN, "○", "o")                                                                                       \
    X(CROSS, "×", "x")                                                                                      \
    X(ELLIPSIS, "…", "~")

enum glyph {
#define X(code, utf8, ascii) GLYPH_##code,
    XATOP_GLYPH_LIST(X)
#undef X
};

struct cell {
    uint32_t code, mark; /* mark: one combining character, 0 none */
    uint8_t style, width; /* width 0: right half of the wide character before it */
};

struct canvas {
    int w, h;
    bool ascii;             /* no character above 0x7e leaves here */
    int cursor_x, cursor_y; /* where the selection is; -1: nowhere */
    struct cell *cells;     /* w * h, row by row */
    int64_t capacity;
};

/* False: out of memory; the canvas is as before. Clears. */
bool canvas_resize(struct canvas *canvas, int w, int h);
void canvas_free(struct canvas *canvas);
void canvas_clear(struct canvas *canvas);
const struct cell *canvas_at(const struct canvas *canvas, int x, int y); /* NULL outside */
/* One line a row, blanks at its end cut; 4 bytes a cell and one a row are always enough. */
void canvas_to_text(const struct canvas *canvas, struct text *out);
void canvas_styles_to_text(const struct canvas *canvas, struct text *out);

/* A window on a canvas; coordinates are its own. May be empty (w or h 0). */
struct area {
    struct canvas *canvas;
    int x, y, w, h;
};

struct area canvas_area(struct canvas *canvas);
/* The part of @area at (x, y) of at most w times h. */
struct area area_sub(struct area area, int x, int y, int w, int h);
void area_fill(struct area area, enum style style);
/* Each returns the columns used; what does not fit is cut. */
int area_text(struct area area, int x, int y, enum style style, const char *string);
int area_printf(struct area area, int x, int y, enum style style, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* At most @w columns, with an ellipsis if cut. */
int area_text_in(struct area area, int x, int y, int w, enum style style, const char *string);
void area_glyph(struct area area, int x, int y, enum style style, enum glyph glyph);
void area_line(struct area area, int x, int y, int w, enum style style, enum glyph glyph);
/* Restyle what is there. */
void area_style(struct area area, int x, int y, int w, enum style style);
/* A frame with a title at its left and words at its right; returns the inside. */
struct area area_box(struct area area, enum style style, enum style title_style, const char *title, const char *right);
/* One bar a value in eighths of a cell, from @max; below 1: blank. */
void area_spark(struct area area, int x, int y, enum style style, const int64_t *values, int count, int64_t max);
/* Columns that @string takes on a canvas of this kind. */
int canvas_columns(const struct canvas *canvas, const char *string);
const char *glyph_string(const struct canvas *canvas, enum glyph glyph);

#endif
