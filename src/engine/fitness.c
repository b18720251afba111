#include "config.h"

#include "engine_private.h"

#include <stdlib.h>
#include <string.h>

#include "xatop/i18n.h"

/* Is a node fit to be trusted with money (preflight.h)?
 *
 * An unfit node that was not raised stays so: the epoch row would stand there no firmer than the money, and on it rests that
 * nobody of an older epoch still acts. So no verdict is given there either. Its prepared branches lose nothing by waiting: a
 * branch that a crash takes from such a node is as lost finished as unfinished, and the decisions stay in the log. They hold
 * their rows meanwhile; one SQL statement, or --unsafe, ends that.
 *
 * A node that becomes unfit after it was raised only takes nothing new. Its fence stands, and what is in flight or prepared is
 * finished: a decision not told helps nobody, and one that such a node forgets in a crash comes back as a prepared branch, is
 * seen by the sweep that follows each restart, and finds its record, which is kept for the retention time after the last
 * acknowledgement (rule 6). After a restart it has to be raised anew, and is refused as above. */

static uint64_t hash_of(const struct preflight_result *result)
{
    uint64_t hash = 14695981039346656037ULL + (uint64_t)result->level;
    for (const char *p = result->value; *p; p++)
        hash = (hash ^ (uint8_t)*p) * 1099511628211ULL;
    for (const char *p = result->reason; *p; p++)
        hash = (hash ^ (uint8_t)*p) * 1099511628211ULL;
    return hash | 1;
}

/* Once, and again only when it has changed. */
static void tell_changes(struct engine *engine, uint8_t node)
{
    struct book *book = &engine->nodes[node];
    const char *name = engine->config.node_names[node];
    for (unsigned i = 0; i < PREFLIGHT_CHECKS; i++) {
        const struct preflight_result *result = &book->preflight->results[i];
        uint64_t now = result->level >= PREFLIGHT_WARN ? hash_of(result) : 0;
        char words[XATOP_REASON_MAX];
        if (now == book->told[i])
            continue;
        book->told[i] = now;
        preflight_words(book->preflight, i, words, sizeof words);
        if (result->level == PREFLIGHT_FAIL)
            emit_notice(engine, NULL, 2,
                        engine->config.unsafe ? _("--unsafe, %s is used: %s") : _("%s is unfit: %s"), name,
                        words);
        else if (result->level == PREFLIGHT_WARN)
            emit_notice(engine, NULL, 1, "%s: %s", name, words);
        else
            emit_notice(engine, NULL, 0, _("%s: mended: %s is %s"), name, preflight_name(i), result->value);
    }
}

/* Those that wait for rows or a carrier passed the door before. */
static void stop_the_queued(struct engine *engine)
{
    for (struct run *run = engine->runs; run; run = run->next)
        if (run->state == RUN_QUEUED && !run->told)
            run->state = RUN_NODES;
}

void node_checked(struct engine *engine, struct control *control)
{
    struct book *fresh = &engine->nodes[control->node];
    if (!control->preflight)
        return;
    free(fresh->preflight);
    fresh->preflight = control->preflight;
    control->preflight = NULL;
    for (uint8_t i = 0; i < engine->config.node_count; i++) {
        struct book *book = &engine->nodes[i];
        bool before = book->unfit;
        if (!book->preflight || (book->down && book != fresh))
            continue;
        preflight_compare_forget(book->preflight);
        for (uint8_t other = 0; other < engine->config.node_count; other++)
            if (other != i && engine->nodes[other].preflight)
                preflight_compare(book->preflight, engine->nodes[other].preflight,
                                  engine->config.node_names[other]);
        book->unfit = preflight_worst(book->preflight, NULL) == PREFLIGHT_FAIL && !engine->config.unsafe;
        if (book->unfit && !before)
            stop_the_queued(engine);
        tell_changes(engine, i);
    }
}

void node_why(const struct engine *engine, uint8_t node, struct text *out)
{
    static const char remedy[] = "; see xatop doctor, or --unsafe";
    const struct book *book = &engine->nodes[node];
    const char *name = engine->config.node_names[node];
    char words[XATOP_REASON_MAX];
    enum preflight_check which = PREFLIGHT_REACHED;
    if (!book->unfit) {
        text_printf(out,
                    book->no_schema                             ? _("node %s: %s")
                    : engine->config.take_over && !book->raised ? _("node %s is not taken over: %s")
                                                                : _("node %s cannot be reached: %s"),
                    name, book->words[0] ? book->words : _("no answer"));
        return;
    }
    text_copy(words, sizeof words, book->words);
    if (book->preflight && preflight_worst(book->preflight, &which) == PREFLIGHT_FAIL)
        preflight_words(book->preflight, which, words, sizeof words);
    text_printf(out, _("node %s is unfit: "), name);
    /* what to do must not be cut off */
    size_t room = out->cap - 1 - out->len, needed = sizeof remedy - 1;
    text_append_n(out, words, strnlen(words, room > needed ? room - needed : 0));
    text_append(out, remedy);
}

void fitness_free(struct engine *engine)
{
    for (uint8_t i = 0; i < engine->config.node_count; i++)
        free(engine->nodes[i].preflight);
}
