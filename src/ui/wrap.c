#include "config.h"

#include "pane.h"

#include <string.h>

/* Bytes of @string that fit into @w columns, at least one character; of several words, up to the last blank that fits. */
static size_t fitting(const struct canvas *canvas, const char *string, int w)
{
    char part[XATOP_ERROR_MAX * 2];
    size_t n = 0, blank = 0, len = strlen(string);
    while (n < len) {
        size_t next = n + 1;
        while (next < len && ((unsigned char)string[next] & 0xc0) == 0x80)
            next++;
        if (next >= sizeof part)
            break;
        memcpy(part, string, next);
        part[next] = '\0';
        if (n > 0 && canvas_columns(canvas, part) > w && string[n] != ' ')
            return blank > 0 ? blank : n;
        if (string[n] == ' ')
            blank = n;
        n = next;
    }
    return n;
}

int area_wrapped(struct area area, int x, int y, int w, int h, enum style style, const char *string)
{
    char clean[XATOP_ERROR_MAX * 2], line[XATOP_ERROR_MAX * 2];
    text_sanitise_cstr(clean, sizeof clean, string);
    const char *p = clean;
    int lines = 0;
    while (w > 0 && lines < h && *p) {
        size_t n = fitting(area.canvas, p, w);
        if (lines == h - 1) { /* the last one is cut */
            area_text_in(area, x, y + lines++, w, style, p);
            break;
        }
        memcpy(line, p, n);
        line[n] = '\0';
        area_text_in(area, x, y + lines++, w, style, line);
        p += n;
        while (*p == ' ')
            p++;
    }
    return lines;
}

void area_cursor(struct area area, int x, int y)
{
    if (x < 0 || y < 0 || x >= area.w || y >= area.h)
        return;
    area.canvas->cursor_x = area.x + x;
    area.canvas->cursor_y = area.y + y;
}
