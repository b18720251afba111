#include "config.h"

#include "xatop/canvas.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "xatop/status.h"

enum { STRING_MAX = 1024, SIDE_MAX = 2000 };

bool canvas_resize(struct canvas *canvas, int w, int h)
{
    w = w < 1 ? 1 : w > SIDE_MAX ? SIDE_MAX : w;
    h = h < 1 ? 1 : h > SIDE_MAX ? SIDE_MAX : h;
    int64_t cells = (int64_t)w * h;
    if (cells > canvas->capacity) {
        struct cell *bigger = calloc((size_t)cells, sizeof *bigger);
        if (!bigger)
            return false;
        free(canvas->cells);
        canvas->cells = bigger;
        canvas->capacity = cells;
    }
    canvas->w = w;
    canvas->h = h;
    canvas_clear(canvas);
    return true;
}

void canvas_free(struct canvas *canvas)
{
    free(canvas->cells);
    *canvas = (struct canvas){0};
}

void canvas_clear(struct canvas *canvas)
{
    for (int64_t i = 0; i < (int64_t)canvas->w * canvas->h; i++)
        canvas->cells[i] = (struct cell){.code = ' ', .width = 1};
    canvas->cursor_x = canvas->cursor_y = -1;
}

const struct cell *canvas_at(const struct canvas *canvas, int x, int y)
{
    if (x < 0 || y < 0 || x >= canvas->w || y >= canvas->h)
        return NULL;
    return &canvas->cells[(int64_t)y * canvas->w + x];
}

/* A half of a wide character never stays alone. */
static void put(struct canvas *canvas, int x, int y, uint32_t code, int width, enum style style)
{
    struct cell *row = &canvas->cells[(int64_t)y * canvas->w];
    if (row[x].width == 0 && x > 0)
        row[x - 1] = (struct cell){.code = ' ', .style = row[x - 1].style, .width = 1};
    int after = x + width;
    if (after < canvas->w && row[after].width == 0)
        row[after] = (struct cell){.code = ' ', .style = row[after].style, .width = 1};
    row[x] = (struct cell){.code = code, .style = (uint8_t)style, .width = (uint8_t)width};
    if (width == 2)
        row[x + 1] = (struct cell){.code = ' ', .style = (uint8_t)style, .width = 0};
}

/* Next character of sanitised (hence valid) UTF-8. */
static uint32_t next_code(const char **p)
{
    const unsigned char *u = (const unsigned char *)*p;
    unsigned n = u[0] < 0x80 ? 1 : u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;
    uint32_t code = n == 1 ? u[0] : u[0] & (0xffu >> (n + 1));
    for (unsigned i = 1; i < n; i++)
        code = code << 6 | (u[i] & 0x3fu);
    *p += n;
    return code;
}

/* What is shown for @code, and how wide it is (0: combines with the one before). */
static int shown(const struct canvas *canvas, uint32_t *code)
{
    if (*code < 0x7f)
        return 1;
    int width = canvas->ascii ? -1 : wcwidth((wchar_t)*code);
    if (width >= 0)
        return width;
    *code = '?';
    return 1;
}

struct area canvas_area(struct canvas *canvas)
{
    return (struct area){.canvas = canvas, .w = canvas->w, .h = canvas->h};
}

static int clamp(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

struct area area_sub(struct area area, int x, int y, int w, int h)
{
    int left = clamp(x, 0, area.w), top = clamp(y, 0, area.h);
    int right = clamp(x + w, left, area.w), bottom = clamp(y + h, top, area.h);
    return (struct area){area.canvas, area.x + left, area.y + top, right - left, bottom - top};
}

void area_fill(struct area area, enum style style)
{
    for (int y = 0; y < area.h; y++)
        for (int x = 0; x < area.w; x++)
            put(area.canvas, area.x + x, area.y + y, ' ', 1, style);
}

/* Draw @clean from column @x to before @right; returns the column after the last character. */
static int draw(struct area area, int x, int y, int right, enum style style, const char *clean)
{
    right = right > area.w ? area.w : right;
    if (y < 0 || y >= area.h)
        return x;
    struct cell *last = NULL;
    while (*clean) {
        uint32_t code = next_code(&clean);
        int width = shown(area.canvas, &code);
        if (width == 0) {
            if (last && last->mark == 0)
                last->mark = code;
            continue;
        }
        if (x + width > right)
            break;
        if (x >= 0) {
            put(area.canvas, area.x + x, area.y + y, code, width, style);
            last = &area.canvas->cells[(int64_t)(area.y + y) * area.canvas->w + area.x + x];
        }
        x += width;
    }
    return x;
}

int area_text(struct area area, int x, int y, enum style style, const char *string)
{
    char clean[STRING_MAX];
    text_sanitise_cstr(clean, sizeof clean, string);
    return draw(area, x, y, area.w, style, clean) - x;
}

int area_printf(struct area area, int x, int y, enum style style, const char *format, ...)
{
    char buffer[STRING_MAX];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(buffer, sizeof buffer, format, args);
    va_end(args);
    return n < 0 ? 0 : area_text(area, x, y, style, buffer);
}

static int columns(const struct canvas *canvas, const char *clean)
{
    int n = 0;
    while (*clean) {
        uint32_t code = next_code(&clean);
        n += shown(canvas, &code);
    }
    return n;
}

int canvas_columns(const struct canvas *canvas, const char *string)
{
    char clean[STRING_MAX];
    text_sanitise_cstr(clean, sizeof clean, string);
    return columns(canvas, clean);
}

int area_text_in(struct area area, int x, int y, int w, enum style style, const char *string)
{
    char clean[STRING_MAX];
    text_sanitise_cstr(clean, sizeof clean, string);
    if (w > area.w - x)
        w = area.w - x;
    if (w <= 0)
        return 0;
    if (columns(area.canvas, clean) <= w)
        return draw(area, x, y, x + w, style, clean) - x;
    int end = draw(area, x, y, x + w - 1, style, clean);
    area_glyph(area, end, y, style, GLYPH_ELLIPSIS);
    return end + 1 - x;
}

const char *glyph_string(const struct canvas *canvas, enum glyph glyph)
{
    static const char *const glyphs[][2] = {
#define X(code, utf8, ascii) {utf8, ascii},
        XATOP_GLYPH_LIST(X)
#undef X
    };
    return glyphs[glyph][canvas->ascii];
}

void area_glyph(struct area area, int x, int y, enum style style, enum glyph glyph)
{
    draw(area, x, y, area.w, style, glyph_string(area.canvas, glyph));
}

void area_line(struct area area, int x, int y, int w, enum style style, enum glyph glyph)
{
    for (int i = 0; i < w; i++)
        area_glyph(area, x + i, y, style, glyph);
}

void area_style(struct area area, int x, int y, int w, enum style style)
{
    struct area part = area_sub(area, x, y, w, 1);
    for (int i = 0; i < part.w && part.h > 0; i++)
        part.canvas->cells[(int64_t)part.y * part.canvas->w + part.x + i].style = (uint8_t)style;
}

enum { TITLE_MIN = 24 };

struct area area_box(struct area area, enum style style, enum style title_style, const char *title,
                     const char *right)
{
    if (area.w < 2 || area.h < 2)
        return area_sub(area, 0, 0, 0, 0);
    area_line(area, 1, 0, area.w - 2, style, GLYPH_HORIZONTAL);
    area_line(area, 1, area.h - 1, area.w - 2, style, GLYPH_HORIZONTAL);
    for (int y = 1; y < area.h - 1; y++) {
        area_glyph(area, 0, y, style, GLYPH_VERTICAL);
        area_glyph(area, area.w - 1, y, style, GLYPH_VERTICAL);
    }
    area_glyph(area, 0, 0, style, GLYPH_TOP_LEFT);
    area_glyph(area, area.w - 1, 0, style, GLYPH_TOP_RIGHT);
    area_glyph(area, 0, area.h - 1, style, GLYPH_BOTTOM_LEFT);
    area_glyph(area, area.w - 1, area.h - 1, style, GLYPH_BOTTOM_RIGHT);
    int room = area.w - 6, right_w = canvas_columns(area.canvas, right);
    bool both =
        right[0] && right_w + 3 + TITLE_MIN <= room; /* a long title gives way, down to its first words */
    int used = 0;
    if (title[0] && room > 0) {
        area_text(area, 2, 0, style, " ");
        used = area_text_in(area, 3, 0, both ? room - right_w - 3 : room, title_style, title);
        area_text(area, 3 + used, 0, style, " ");
    }
    if (right[0] && right_w + 3 <= room - used) {
        int x = area.w - 4 - right_w;
        area_text(area, x, 0, style, " ");
        area_text(area, x + 1, 0, style, right);
        area_text(area, x + 1 + right_w, 0, style, " ");
    }
    return area_sub(area, 1, 1, area.w - 2, area.h - 2);
}

void area_spark(struct area area, int x, int y, enum style style, const int64_t *values, int count,
                int64_t max)
{
    static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const ascii[] = {" ", ".", ":", "-", "=", "+", "*", "#", "@"};
    for (int i = 0; i < count; i++) {
        int level = 0;
        if (values[i] > 0 && max > 0)
            level = values[i] >= max ? 8 : (int)((values[i] * 8 + max - 1) / max);
        draw(area, x + i, y, area.w, level ? style : STYLE_NORMAL,
             area.canvas->ascii ? ascii[level] : blocks[level]);
    }
}

static void code_to_text(uint32_t code, struct text *out)
{
    char bytes[4];
    size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n; i-- > 1; code >>= 6)
        bytes[i] = (char)(0x80 | (code & 0x3f));
    bytes[0] = (char)(leads[n] | code);
    text_append_n(out, bytes, n);
}

void canvas_to_text(const struct canvas *canvas, struct text *out)
{
    for (int y = 0; y < canvas->h; y++) {
        const struct cell *row = canvas_at(canvas, 0, y);
        int end = canvas->w;
        while (end > 0 && row[end - 1].code == ' ' && row[end - 1].width == 1)
            end--;
        for (int x = 0; x < end; x++) {
            if (row[x].width == 0)
                continue;
            code_to_text(row[x].code, out);
            if (row[x].mark)
                code_to_text(row[x].mark, out);
        }
        text_append(out, "\n");
    }
}

void canvas_styles_to_text(const struct canvas *canvas, struct text *out)
{
    static const char letters[] = {
#define X(code, letter, colour8, colour256, colour_attributes, mono_attributes) letter,
        XATOP_STYLE_LIST(X)
#undef X
    };
    for (int y = 0; y < canvas->h; y++) {
        for (int x = 0; x < canvas->w; x++)
            text_append_n(out, &letters[canvas_at(canvas, x, y)->style], 1);
        text_append(out, "\n");
    }
}
