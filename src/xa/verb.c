#include "config.h"

#include "xatop/verb.h"

#include "xatop/status.h"

static const struct {
    const char *word, *sql;
    char letter;
} verbs_table[] = {
#define X(name, bit, word, sql, letter) [bit] = {word, sql, letter},
    XATOP_VERB_LIST(X)
#undef X
};

enum { VERB_COUNT = sizeof verbs_table / sizeof verbs_table[0] };

static unsigned verb_bit(enum verb verb)
{
    unsigned bit = 0;
    while (bit < VERB_COUNT && (unsigned)verb != 1u << bit)
        bit++;
    xatop_assert(bit < VERB_COUNT); /* exactly one known verb */
    return bit;
}

const char *verb_name(enum verb verb)
{
    return verbs_table[verb_bit(verb)].word;
}

char verb_letter(enum verb verb)
{
    return verbs_table[verb_bit(verb)].letter;
}

void verbs_print(unsigned verbs, struct text *out)
{
    const char *separator = "";
    for (unsigned bit = 0; bit < VERB_COUNT; bit++) {
        if (!(verbs & 1u << bit))
            continue;
        text_append(out, separator);
        text_append(out, verbs_table[bit].word);
        separator = "+";
    }
}

enum verb verbs_last(unsigned verbs)
{
    for (unsigned bit = VERB_COUNT; bit-- > 0;)
        if (verbs & 1u << bit)
            return (enum verb)(1u << bit);
    return (enum verb)0;
}

void verb_sql(enum verb verb, const struct xid *xid, struct text *out)
{
    const char *sql = verbs_table[verb_bit(verb)].sql;
    xatop_assert(sql[0] != '\0'); /* OPEN and WORK are not SQL of ours */
    text_append(out, sql);
    xid_print_sql(xid, out);
    if (verb == VERB_ONE_PHASE)
        text_append(out, " ONE PHASE");
}
