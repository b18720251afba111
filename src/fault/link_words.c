/* The words of a link: one table for the parser, the help and the manual. */
#include "config.h"

#include "xatop/link.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "xatop/i18n.h"

enum word_code {
#define X(code, word, argument, max, help) WORD_##code,
    XATOP_LINK_WORD_LIST(X)
#undef X
        WORDS
};

static const struct link_word words_table[] = {
#define X(code, word, argument, max, help) [WORD_##code] = {word, argument, N_(help), max},
    XATOP_LINK_WORD_LIST(X)
#undef X
        [WORDS] = {0}};

const struct link_word *link_words(void)
{
    return words_table;
}

static enum status unknown_word(const char *word, struct err *err)
{
    const char *known[WORDS + 1];
    char clean[80];
    for (int i = 0; i < WORDS; i++)
        known[i] = words_table[i].word;
    known[WORDS] = NULL;
    text_sanitise_cstr(clean, sizeof clean, word);
    const char *near = text_nearest(clean, known);
    if (near)
        return err_set(err, STATUS_USAGE, _("link: %s: unknown word; did you mean %s"), clean, near);
    return err_set(err, STATUS_USAGE, _("link: %s: unknown word; see xatop link --help"), clean);
}

static void apply(enum word_code code, int64_t number, struct link_state *state)
{
    switch (code) {
    case WORD_CUT:
    case WORD_CUT_REQUEST:
    case WORD_CUT_REPLY:
        state->cut_request = code != WORD_CUT_REPLY;
        state->cut_reply = code != WORD_CUT_REQUEST;
        break;
    case WORD_DELAY:
        state->delay_ms = (int32_t)number;
        break;
    case WORD_JITTER:
        state->jitter_ms = (int32_t)number;
        break;
    case WORD_RATE:
        state->rate = number;
        break;
    case WORD_DRIP:
        state->drip = true;
        break;
    case WORD_RESET:
        state->reset = true;
        break;
    case WORD_HEAL:
        *state = (struct link_state){0};
        break;
    case WORDS:
        break;
    }
}

static enum status parse_one(const char *word, struct link_state *state, struct err *err)
{
    for (int i = 0; i < WORDS; i++) {
        const struct link_word *row = &words_table[i];
        size_t len = strlen(row->word);
        int64_t number = 0;
        if (!row->argument[0] && strcmp(word, row->word) != 0)
            continue;
        if (row->argument[0] && strncmp(word, row->word, len) != 0)
            continue;
        if (row->argument[0] && !text_to_i64(word + len, 0, row->max, &number)) {
            char clean[80];
            text_sanitise_cstr(clean, sizeof clean, word + len);
            return err_set(err, STATUS_USAGE, _("link: %s\"%s\": is not a whole number from 0 to %" PRId64),
                           row->word, clean, row->max);
        }
        apply((enum word_code)i, number, state);
        return STATUS_OK;
    }
    return unknown_word(word, err);
}

enum status link_parse(const char *words, struct link_state *state, struct err *err)
{
    static const char separators[] = " ,";
    struct link_state wanted = *state;
    bool any = false;
    for (const char *p = words + strspn(words, separators); *p; p += strspn(p, separators)) {
        char word[64];
        size_t len = strcspn(p, separators);
        snprintf(word, sizeof word, "%.*s", (int)(len < sizeof word ? len : sizeof word - 1), p);
        enum status status = parse_one(word, &wanted, err);
        if (status != STATUS_OK)
            return status;
        any = true;
        p += len;
    }
    if (!any)
        return err_set(err, STATUS_USAGE, _("link: no word is given; see xatop link --help"));
    *state = wanted;
    return STATUS_OK;
}

static void add(struct text *out, size_t begin, enum word_code code, int64_t number)
{
    if (out->len > begin)
        text_append(out, " ");
    text_append(out, words_table[code].word);
    if (words_table[code].argument[0])
        text_printf(out, "%" PRId64, number);
}

void link_format(const struct link_state *state, struct text *out)
{
    size_t begin = out->len;
    if (state->cut_request || state->cut_reply)
        add(out, begin,
            !state->cut_reply     ? WORD_CUT_REQUEST
            : !state->cut_request ? WORD_CUT_REPLY
                                  : WORD_CUT,
            0);
    if (state->delay_ms)
        add(out, begin, WORD_DELAY, state->delay_ms);
    if (state->jitter_ms)
        add(out, begin, WORD_JITTER, state->jitter_ms);
    if (state->rate)
        add(out, begin, WORD_RATE, state->rate);
    if (state->drip)
        add(out, begin, WORD_DRIP, 0);
    if (state->reset)
        add(out, begin, WORD_RESET, 0);
    if (out->len == begin)
        add(out, begin, WORD_HEAL, 0);
}

const char *link_state_word(const struct link_state *state)
{
    if (state->cut_request || state->cut_reply)
        return "cut";
    if (state->delay_ms || state->jitter_ms || state->rate || state->drip)
        return "slow";
    return state->reset ? "reset" : "up";
}
