#include "config.h"

#include "pane.h"

#include <string.h>

/* One line of typed text: what is typed goes to its end. */

enum { KEY_DELETE_ALL = 'U' & 31 };

static void append(char *string, size_t cap, unsigned code)
{
    char bytes[4];
    size_t n = 0, len = strlen(string);
    if (code < 0x80) {
        bytes[n++] = (char)code;
    } else if (code < 0x800) {
        bytes[n++] = (char)(0xc0 | code >> 6);
        bytes[n++] = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        bytes[n++] = (char)(0xe0 | code >> 12);
        bytes[n++] = (char)(0x80 | (code >> 6 & 0x3f));
        bytes[n++] = (char)(0x80 | (code & 0x3f));
    } else {
        bytes[n++] = (char)(0xf0 | code >> 18);
        bytes[n++] = (char)(0x80 | (code >> 12 & 0x3f));
        bytes[n++] = (char)(0x80 | (code >> 6 & 0x3f));
        bytes[n++] = (char)(0x80 | (code & 0x3f));
    }
    if (len + n >= cap)
        return; /* full: the key is not taken, what is there stays whole */
    memcpy(string + len, bytes, n);
    string[len + n] = '\0';
}

bool edit_key(char *string, size_t cap, int key)
{
    size_t len = strlen(string);
    if (key == KEY_DELETE_ALL) {
        string[0] = '\0';
        return true;
    }
    if (key == UI_KEY_BACKSPACE && len > 0) {
        do
            len--;
        while (len > 0 && ((unsigned char)string[len] & 0xc0) == 0x80);
        string[len] = '\0';
        return true;
    }
    bool printable = key >= 0x20 && key < 0x110000 && key != 0x7f && !(key >= 0x80 && key < 0xa0) &&
                     !(key >= 0xd800 && key < 0xe000);
    if (printable)
        append(string, cap, (unsigned)key);
    return printable;
}
