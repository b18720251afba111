#include "config.h"

#include <string.h>

#include "cunit_main.h"
#include "xatop/text.h"

static void sanitises_what_could_steer_a_terminal(void)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"plain", "plain"},
        {"\x1b]0;owned\x07", "\\x1b]0;owned\\x07"},
        {"a\nb\tc", "a b c"},
        {"\xc2\x9b"
         "31m",
         "<u+009b>31m"},
        {"\xe2\x80\xae"
         "evil",
         "<u+202e>evil"},
        {"\xff\xfe", "\\xff\\xfe"},
        {"\xc0\xaf", "\\xc0\\xaf"},
        {"\xe4\xb8\xad\xe6\x96\x87", "\xe4\xb8\xad\xe6\x96\x87"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char out[64], again[64];
        text_sanitise_cstr(out, sizeof out, rows[i].in);
        CU_ASSERT_STRING_EQUAL(out, rows[i].out);
        text_sanitise_cstr(again, sizeof again, out);
        CU_ASSERT_STRING_EQUAL(again, out);
    }
}

static void sanitiser_never_cuts_a_character(void)
{
    char out[6];
    size_t n = text_sanitise_cstr(out, sizeof out, "abc\xe4\xb8\xad");
    CU_ASSERT_EQUAL(n, 3);
    CU_ASSERT_STRING_EQUAL(out, "abc");
}

static void bounded_text_remembers_what_did_not_fit(void)
{
    char buffer[8];
    struct text text;
    text_init(&text, buffer, sizeof buffer);
    text_append(&text, "1234");
    CU_ASSERT_FALSE(text.truncated);
    text_printf(&text, "%d", 56789);
    CU_ASSERT_TRUE(text.truncated);
    CU_ASSERT_STRING_EQUAL(buffer, "1234567");
}

static void parses_whole_integers_only(void)
{
    int64_t value;
    CU_ASSERT_TRUE(text_to_i64("-12", -100, 100, &value) && value == -12);
    static const char *const bad[] = {
        "", " 1", "+1", "1 ", "1e9", "101", "1; DROP TABLE", "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_FALSE(text_to_i64(bad[i], -100, 100, &value));
}

static void suggests_the_nearest_word(void)
{
    static const char *const words[] = {"transfer", "order", "audit", NULL};
    CU_ASSERT_STRING_EQUAL(text_nearest("tranfser", words), "transfer");
    CU_ASSERT_PTR_NULL(text_nearest("zzz", words));
}

int main(void)
{
    static const struct test_case cases[] = {
        {"sanitises what could steer a terminal", sanitises_what_could_steer_a_terminal},
        {"sanitiser never cuts a character", sanitiser_never_cuts_a_character},
        {"bounded text remembers what did not fit", bounded_text_remembers_what_did_not_fit},
        {"parses whole integers only", parses_whole_integers_only},
        {"suggests the nearest word", suggests_the_nearest_word},
        {NULL, NULL},
    };
    return test_main("text", cases);
}
