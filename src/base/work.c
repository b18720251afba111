#include "config.h"

#include "xatop/work.h"

#include "xatop/i18n.h"
#include "xatop/status.h"

enum unit { MONEY, PIECES };

static const struct {
    const char *table, *column, *words;
    enum unit unit;
} tables[WORK_TABLES] = {
#define X(code, table, column, unit, words) [WORK_##code] = {table, column, N_(words), unit},
    XATOP_WORK_TABLE_LIST(X)
#undef X
};

static const struct {
    const char *word, *sentence;
} refusals[] = {
#define X(code, word, sentence) [REFUSAL_##code] = {word, N_(sentence)},
    XATOP_REFUSAL_LIST(X)
#undef X
};

const char *work_table_name(enum work_table table)
{
    xatop_assert((unsigned)table < WORK_TABLES);
    return tables[table].table;
}

const char *work_table_column(enum work_table table)
{
    xatop_assert((unsigned)table < WORK_TABLES);
    return tables[table].column;
}

const char *work_table_words(enum work_table table)
{
    xatop_assert((unsigned)table < WORK_TABLES);
    return _(tables[table].words);
}

bool work_table_is_money(enum work_table table)
{
    xatop_assert((unsigned)table < WORK_TABLES);
    return tables[table].unit == MONEY;
}

const char *refusal_word(enum refusal refusal)
{
    xatop_assert((unsigned)refusal < sizeof refusals / sizeof refusals[0]);
    return refusals[refusal].word;
}

const char *refusal_sentence(enum refusal refusal)
{
    xatop_assert((unsigned)refusal < sizeof refusals / sizeof refusals[0]);
    return _(refusals[refusal].sentence);
}
