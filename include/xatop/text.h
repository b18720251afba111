/* Bounded text, and the one sanitiser for everything that was not compiled in.
 *
 * A `struct text` is a view on the caller's buffer: it never allocates, is always NUL-terminated and
 * remembers that something did not fit instead of overflowing. */
#ifndef XATOP_TEXT_H
#define XATOP_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    char *p;
    size_t cap; /* bytes of the buffer, the NUL included; at least 1 */
    size_t len;
    bool truncated;
};

void text_init(struct text *text, char *buffer, size_t cap);
void text_append(struct text *text, const char *string);
void text_append_n(struct text *text, const char *bytes, size_t n);
void text_printf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_vprintf(struct text *text, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
void text_hex(struct text *text, const void *bytes, size_t n); /* lower-case hex digits */
/* Append @string as the inside of a JSON string (RFC 8259 escapes, no quotes). */
void text_json_escape(struct text *text, const char *string);

/* Copy at most @src_len bytes of untrusted @src to @dst (capacity @cap, NUL included) as printable UTF-8:
 * C0, DEL, C1, invalid UTF-8, bidi controls (U+061C, U+200E-F, U+202A-E, U+2066-9), zero-width characters
 * and tag characters come out as visible escapes (\xNN or <u+202e>); newline and tab become a space.
 * Returns the length written. CWE-150. Idempotent: sanitising twice changes nothing more.  */
size_t text_sanitise(char *dst, size_t cap, const char *src, size_t src_len);
size_t text_sanitise_cstr(char *dst, size_t cap, const char *src);

/* Copy a trusted string, cutting at @cap. */
void text_copy(char *dst, size_t cap, const char *src);

/* Strict decimal parse of the whole string into [min, max]; false otherwise. */
bool text_to_i64(const char *string, int64_t min, int64_t max, int64_t *out);

/* Nearest of @words (ended by NULL) by edit distance, or NULL if none is near: "did you mean". */
const char *text_nearest(const char *word, const char *const *words);

#endif
