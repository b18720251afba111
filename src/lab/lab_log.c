#include "config.h"

#include "lab_internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "xatop/text.h"

enum { TAIL_MAX = 16384, QUOTE_MAX = 400, LINES_MAX = 16, ROTATE_BYTES = 4 << 20 };

int64_t lab_log_size(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (int64_t)st.st_size : 0;
}

/* Called while the server is down: one older log is kept. */
void lab_log_rotate(const char *path)
{
    char old[LAB_PATH_MAX];
    struct text text;
    text_init(&text, old, sizeof old);
    text_printf(&text, "%s.old", path);
    if (lab_log_size(path) > ROTATE_BYTES && !text.truncated)
        rename(path, old);
}

static size_t read_tail(const char *path, int64_t from, char *out, size_t cap)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return 0;
    int64_t size = lab_log_size(path);
    if (size - from > (int64_t)cap)
        from = size - (int64_t)cap;
    ssize_t n = pread(fd, out, cap, from);
    close(fd);
    return n > 0 ? (size_t)n : 0;
}

/* "... [ERROR] [MY-010119] [Server] Aborting" says only that the lines before it were fatal. */
static bool worth_quoting(const char *line, size_t len, bool errors_only)
{
    static const char mark[] = "[ERROR]", aborting[] = "Aborting";
    if (len == 0)
        return false;
    if (!errors_only)
        return true;
    return memmem(line, len, mark, sizeof mark - 1) &&
           !(len > sizeof aborting &&
             memcmp(line + len - sizeof aborting + 1, aborting, sizeof aborting - 1) == 0);
}

/* The line without its time stamp and thread: from "[ERROR] " on, if it has that. */
static void quote(const char *line, size_t len, char out[QUOTE_MAX])
{
    static const char mark[] = "[ERROR] ";
    const char *from = memmem(line, len, mark, sizeof mark - 1);
    size_t skip = from ? (size_t)(from - line) + sizeof mark - 1 : 0;
    text_sanitise(out, QUOTE_MAX, line + skip, len - skip);
}

size_t lab_log_tail(const char *path, int64_t from, size_t count, void (*line)(void *arg, const char *text),
                    void *arg)
{
    char bytes[TAIL_MAX];
    char lines[LINES_MAX][QUOTE_MAX];
    xatop_assert(count <= LINES_MAX);
    size_t len = read_tail(path, from, bytes, sizeof bytes), found = 0;
    for (int errors_only = 1; errors_only >= 0 && found == 0; errors_only--) {
        for (size_t start = 0; start < len;) {
            const char *end = memchr(bytes + start, '\n', len - start);
            size_t n = end ? (size_t)(end - bytes) - start : len - start;
            if (worth_quoting(bytes + start, n, errors_only)) {
                if (found == count) { /* keep the last ones */
                    memmove(lines[0], lines[1], (count - 1) * sizeof lines[0]);
                    found--;
                }
                quote(bytes + start, n, lines[found++]);
            }
            start += n + 1;
        }
    }
    for (size_t i = 0; i < found; i++)
        line(arg, lines[i]);
    return found;
}
