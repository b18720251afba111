#include "config.h"

#include "xatop/vocab.h"

#include <stddef.h>

#include "xatop/forced.h"
#include "xatop/i18n.h"

#define COUNT(array) (sizeof array / sizeof array[0])

static const char *word(const char *const *words, size_t count, int number)
{
    return number >= 0 && (size_t)number < count ? words[number] : "?";
}

#define X_WORD(code, word) word,
#define X_STATE(code, word, terminal) word,
#define X_RULE_NAME(code, verdict, name, words) name,
#define X_RULE_WORDS(code, verdict, name, words) N_(words),

static const char *const txn_states[] = {XATOP_TXN_STATE_LIST(X_STATE)};
static const char *const branch_states[] = {XATOP_BRANCH_STATE_LIST(X_WORD)};
static const char *const replies[] = {XATOP_REPLY_LIST(X_WORD)};
static const char *const findings[] = {XATOP_FINDING_LIST(X_WORD)};
static const char *const outcomes[] = {XATOP_OUTCOME_LIST(X_WORD)};
static const char *const verdicts[] = {XATOP_VERDICT_LIST(X_WORD)};
static const char *const rule_names[] = {XATOP_RULE_LIST(X_RULE_NAME)};
static const char *const rule_words[] = {XATOP_RULE_LIST(X_RULE_WORDS)};
static const char *const node_states[] = {XATOP_NODE_STATE_LIST(X_WORD)};
static const char *const fates[] = {XATOP_FATE_LIST(X_WORD)};
static const char *const decisions[] = {XATOP_DECISION_LIST(X_WORD)};

const char *txn_state_name(int state)
{
    return word(txn_states, COUNT(txn_states), state);
}

const char *branch_state_name(int state)
{
    return word(branch_states, COUNT(branch_states), state);
}

const char *reply_name(int reply)
{
    return word(replies, COUNT(replies), reply);
}

const char *finding_name(int finding)
{
    return word(findings, COUNT(findings), finding);
}

const char *outcome_name(int outcome)
{
    return word(outcomes, COUNT(outcomes), outcome);
}

const char *verdict_name(int verdict)
{
    return word(verdicts, COUNT(verdicts), verdict);
}

const char *recovery_rule_name(int rule)
{
    return word(rule_names, COUNT(rule_names), rule);
}

const char *recovery_rule_words(int rule)
{
    return _(word(rule_words, COUNT(rule_words), rule));
}

const char *node_state_name(int state)
{
    return word(node_states, COUNT(node_states), state);
}

const char *branch_fate_name(int fate)
{
    return word(fates, COUNT(fates), fate);
}

const char *decision_name(int decision)
{
    return word(decisions, COUNT(decisions), decision);
}
