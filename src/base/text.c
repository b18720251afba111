#include "config.h"

#include "xatop/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xatop/status.h"

void text_init(struct text *text, char *buffer, size_t cap)
{
    xatop_assert(cap > 0);
    *text = (struct text){.p = buffer, .cap = cap};
    buffer[0] = '\0';
}

void text_append_n(struct text *text, const char *bytes, size_t n)
{
    size_t room = text->cap - 1 - text->len;
    if (n > room) {
        n = room;
        text->truncated = true;
    }
    memcpy(text->p + text->len, bytes, n);
    text->len += n;
    text->p[text->len] = '\0';
}

void text_append(struct text *text, const char *string)
{
    text_append_n(text, string, strlen(string));
}

void text_vprintf(struct text *text, const char *format, va_list args)
{
    size_t room = text->cap - text->len;
    int n = vsnprintf(text->p + text->len, room, format, args);
    if (n < 0)
        return;
    if ((size_t)n >= room) {
        text->truncated = true;
        text->len = text->cap - 1;
    } else {
        text->len += (size_t)n;
    }
}

void text_printf(struct text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    text_vprintf(text, format, args);
    va_end(args);
}

void text_hex(struct text *text, const void *bytes, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *p = bytes;
    for (size_t i = 0; i < n; i++) {
        char pair[2] = {digits[p[i] >> 4], digits[p[i] & 15]};
        text_append_n(text, pair, 2);
    }
}

void text_json_escape(struct text *text, const char *string)
{
    for (const unsigned char *p = (const unsigned char *)string; *p; p++) {
        if (*p == '"' || *p == '\\')
            text_printf(text, "\\%c", *p);
        else if (*p < 0x20 || *p == 0x7f)
            text_printf(text, "\\u%04x", *p);
        else
            text_append_n(text, (const char *)p, 1);
    }
}

/* Length of the valid UTF-8 sequence at @p (shortest form, no surrogates), 0 if invalid; @code is its value. */
static size_t utf8_decode(const unsigned char *p, size_t n, uint32_t *code)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = p[0] < 0x80             ? 1
                 : (p[0] & 0xe0) == 0xc0 ? 2
                 : (p[0] & 0xf0) == 0xe0 ? 3
                 : (p[0] & 0xf8) == 0xf0 ? 4
                                         : 0;
    if (len == 0 || len > n)
        return 0;
    if (len == 1) {
        *code = p[0];
        return 1;
    }
    uint32_t value = p[0] & (0xffu >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (p[i] & 0x3f);
    }
    if (value < smallest[len] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return 0;
    *code = value;
    return len;
}

/* Code points that a terminal or a reader could be deceived by: C1, bidi controls, zero-width, tags. */
static bool deceptive(uint32_t code)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {{0x80, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},    {0x115f, 0x1160},
                  {0x180e, 0x180e}, {0x200b, 0x200f}, {0x2028, 0x202e},  {0x2060, 0x206f},
                  {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe0fff}};
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (code >= ranges[i].first && code <= ranges[i].last)
            return true;
    return false;
}

size_t text_sanitise(char *dst, size_t cap, const char *src, size_t src_len)
{
    struct text out;
    text_init(&out, dst, cap);
    const unsigned char *p = (const unsigned char *)src;
    for (size_t i = 0; i < src_len;) {
        uint32_t code = 0;
        size_t n = utf8_decode(p + i, src_len - i, &code);
        char piece[16];
        size_t piece_len;
        if (n == 0) {
            piece_len = (size_t)snprintf(piece, sizeof piece, "\\x%02x", p[i]);
            n = 1;
        } else if (code == '\n' || code == '\t' || code == '\r') {
            piece[0] = ' ';
            piece_len = 1;
        } else if (code < 0x20 || code == 0x7f) {
            piece_len = (size_t)snprintf(piece, sizeof piece, "\\x%02x", code);
        } else if (deceptive(code)) {
            piece_len = (size_t)snprintf(piece, sizeof piece, "<u+%04x>", code);
        } else {
            memcpy(piece, p + i, n);
            piece_len = n;
        }
        if (out.len + piece_len + 1 > cap) /* never half a character or half an escape */
            break;
        text_append_n(&out, piece, piece_len);
        i += n;
    }
    return out.len;
}

size_t text_sanitise_cstr(char *dst, size_t cap, const char *src)
{
    return text_sanitise(dst, cap, src, strlen(src));
}

void text_copy(char *dst, size_t cap, const char *src)
{
    struct text out;
    text_init(&out, dst, cap);
    text_append(&out, src);
}

bool text_to_i64(const char *string, int64_t min, int64_t max, int64_t *out)
{
    const char *digits = string[0] == '-' ? string + 1 : string;
    if (digits[0] < '0' || digits[0] > '9') /* strtoll would take blanks and a plus sign */
        return false;
    char *end;
    errno = 0;
    long long value = strtoll(string, &end, 10);
    if (errno || *end || value < min || value > max)
        return false;
    *out = value;
    return true;
}

enum { WORD_MAX = 40 };

static size_t edit_distance(const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b);
    size_t row[WORD_MAX + 1];
    if (la > WORD_MAX || lb > WORD_MAX)
        return WORD_MAX;
    for (size_t j = 0; j <= lb; j++)
        row[j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[lb];
}

const char *text_nearest(const char *word, const char *const *words)
{
    const char *best = NULL;
    size_t best_distance = strlen(word) / 2 + 1; /* more than half the letters wrong: not meant */
    for (; *words; words++) {
        size_t distance = edit_distance(word, *words);
        if (distance < best_distance) {
            best_distance = distance;
            best = *words;
        }
    }
    return best;
}
