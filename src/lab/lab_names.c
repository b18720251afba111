#include "config.h"

#include "xatop/lab.h"

const char *lab_make_name(enum lab_make make)
{
    static const char *const names[] = {
#define X(code, word) [LAB_##code] = word,
        XATOP_LAB_MAKE_LIST(X)
#undef X
    };
    return names[make];
}

const char *lab_state_name(enum lab_state state)
{
    static const char *const names[] = {
#define X(code, word, words) [LAB_##code] = word,
        XATOP_LAB_STATE_LIST(X)
#undef X
    };
    return names[state];
}
