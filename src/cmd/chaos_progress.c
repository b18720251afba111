/* A bar on a terminal, a line every ten seconds elsewhere. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "chaos.h"
#include "xatop/clock.h"
#include "xatop/i18n.h"
#include "xatop/text.h"

enum { BAR_MS = 250, LINE_MS = 10000, BAR_MAX = 60 };

static unsigned columns(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

static void bar(const struct chaos *chaos, int64_t gone_ms, const char *words, bool last)
{
    char line[BAR_MAX + 1];
    unsigned width = columns(), taken = (unsigned)strlen(words) + 4;
    unsigned room = width > taken + 8 ? width - taken : 0;
    if (room > BAR_MAX)
        room = BAR_MAX;
    unsigned full = (unsigned)(room * gone_ms / chaos->plan.duration_ms);
    memset(line, '-', room);
    memset(line, '#', full < room ? full : room);
    line[room] = '\0';
    if (room)
        fprintf(stderr, "\r[%s] %.*s\033[K", line, (int)(width - room - 4), words);
    else
        fprintf(stderr, "\r%.*s\033[K", (int)(width > 1 ? width - 1 : 1), words);
    if (last)
        fputc('\n', stderr);
    fflush(stderr);
}

void chaos_progress(struct chaos *chaos, bool last)
{
    const struct app *app = chaos->app;
    int64_t now_ms = clock_mono_ms();
    bool terminal = isatty(STDERR_FILENO);
    if (app->json || app->quiet || (!last && now_ms - chaos->told_ms < (terminal ? BAR_MS : LINE_MS)))
        return;
    if (chaos->told_ms == 0 && !terminal) { /* the first line after ten seconds */
        chaos->told_ms = now_ms;
        return;
    }
    char words[160];
    struct text text;
    uint64_t faults = 0;
    for (enum chaos_kind kind = 0; kind < CHAOS_KINDS; kind++)
        faults += chaos->shared->hit[kind];
    chaos->told_ms = now_ms;
    text_init(&text, words, sizeof words);
    text_printf(&text, _("%d/%d s, %" PRIu64 " transactions, %" PRIu64 " faults"),
                (int)((now_ms - chaos->load_ms) / 1000), chaos->plan.duration_ms / 1000,
                chaos_answered(chaos->shared), faults);
    if (terminal)
        bar(chaos, now_ms - chaos->load_ms, words, last);
    else
        fprintf(stderr, "%s\n", words);
}
