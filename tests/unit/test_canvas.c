#include "config.h"

#include <limits.h>
#include <locale.h>
#include <string.h>

#include "cunit_main.h"
#include "xatop/canvas.h"

static struct canvas canvas;
static char shown[200000];

static struct area fresh(int w, int h, bool ascii)
{
    canvas.ascii = ascii;
    CU_ASSERT_TRUE_FATAL(canvas_resize(&canvas, w, h));
    return canvas_area(&canvas);
}

static const char *text(void)
{
    struct text out;
    text_init(&out, shown, sizeof shown);
    canvas_to_text(&canvas, &out);
    return shown;
}

static void draws_and_clips(void)
{
    struct area area = fresh(10, 3, false);
    CU_ASSERT_EQUAL(area_text(area, 2, 1, STYLE_NORMAL, "hello world"), 8);
    area_text(area, 0, -1, STYLE_NORMAL, "above");
    area_text(area, 0, 3, STYLE_NORMAL, "below");
    area_text(area, 99, 0, STYLE_NORMAL, "right");
    area_text(area, -3, 0, STYLE_NORMAL, "cut left");
    CU_ASSERT_STRING_EQUAL(text(), " left\n  hello wo\n\n");
    struct area inner = area_sub(area, 4, 2, 3, 10);
    CU_ASSERT_EQUAL(inner.h, 1);
    area_text(inner, 0, 0, STYLE_NORMAL, "abcdef");
    CU_ASSERT_STRING_EQUAL(text(), " left\n  hello wo\n    abc\n");
}

static void cuts_with_an_ellipsis(void)
{
    struct area area = fresh(12, 2, false);
    CU_ASSERT_EQUAL(area_text_in(area, 0, 0, 5, STYLE_NORMAL, "abcdefgh"), 5);
    CU_ASSERT_EQUAL(area_text_in(area, 0, 1, 8, STYLE_NORMAL, "abcdefgh"), 8);
    CU_ASSERT_STRING_EQUAL(text(), "abcd…\nabcdefgh\n");
    area = fresh(12, 1, true);
    area_text_in(area, 0, 0, 5, STYLE_NORMAL, "abcdefgh");
    CU_ASSERT_STRING_EQUAL(text(), "abcd~\n");
}

static void wide_characters_take_two_columns(void)
{
    struct area area = fresh(6, 2, false);
    CU_ASSERT_EQUAL(area_text(area, 0, 0, STYLE_NORMAL, "王芳x"), 5);
    CU_ASSERT_EQUAL(canvas_at(&canvas, 1, 0)->width, 0);
    CU_ASSERT_EQUAL(canvas_at(&canvas, 4, 0)->code, 'x');
    area_text(area, 1, 0, STYLE_NORMAL, "a"); /* on the right half: the left half goes too */
    CU_ASSERT_STRING_EQUAL(text(), " a芳x\n\n");
    area_text(area, 2, 0, STYLE_NORMAL, "b"); /* on the left half */
    CU_ASSERT_STRING_EQUAL(text(), " ab x\n\n");
    CU_ASSERT_EQUAL(area_text(area, 3, 1, STYLE_NORMAL, "王芳"), 2); /* the second does not fit by half */
    CU_ASSERT_STRING_EQUAL(text(), " ab x\n   王\n");
    CU_ASSERT_EQUAL(canvas_columns(&canvas, "e\xcc\x81t"), 2); /* combining accent */
}

static void combining_marks_stay_with_their_letter(void)
{
    struct area area = fresh(6, 1, false);
    area_text(area, 0, 0, STYLE_NORMAL, "e\xcc\x81t");
    CU_ASSERT_STRING_EQUAL(text(), "e\xcc\x81t\n");
    area_text(area, 0, 0, STYLE_NORMAL, "\xcc\x81xyz"); /* nothing to combine with */
    CU_ASSERT_STRING_EQUAL(text(), "xyz\n");
}

static void nothing_escapes(void)
{
    struct area area = fresh(40, 1, false);
    area_text(area, 0, 0, STYLE_NORMAL, "a\x1b]0;x\x07\n\xe2\x80\xae\xff");
    CU_ASSERT_STRING_EQUAL(text(), "a\\x1b]0;x\\x07 <u+202e>\\xff\n");
    area = fresh(40, 1, true);
    area_text(area, 0, 0, STYLE_NORMAL, "caf\xc3\xa9 王");
    CU_ASSERT_STRING_EQUAL(text(), "caf? ?\n");
    for (int i = 0; i < canvas.w; i++)
        CU_ASSERT_TRUE(canvas_at(&canvas, i, 0)->code < 0x7f);
}

static void boxes(void)
{
    struct area area = fresh(20, 3, false);
    struct area inner = area_box(area, STYLE_BORDER, STYLE_TITLE, "1 Nodes", "60 s");
    CU_ASSERT_EQUAL(inner.w, 18);
    CU_ASSERT_EQUAL(inner.h, 1);
    CU_ASSERT_STRING_EQUAL(text(), "┌─ 1 Nodes ─ 60 s ─┐\n│                  │\n└──────────────────┘\n");
    area = fresh(14, 2, true);
    area_box(area, STYLE_BORDER, STYLE_TITLE, "a long title", "60 s");
    CU_ASSERT_STRING_EQUAL(text(), "+- a long ~ -+\n+------------+\n");
    area = fresh(1, 1, true);
    inner = area_box(area, STYLE_BORDER, STYLE_TITLE, "t", "r");
    CU_ASSERT_EQUAL(inner.w, 0);
}

static void sparklines(void)
{
    static const int64_t values[] = {-1, 0, 1, 50, 99, 100, 1000, INT64_MAX / 16};
    struct area area = fresh(8, 1, false);
    area_spark(area, 0, 0, STYLE_GRAPH, values, 8, 100);
    CU_ASSERT_STRING_EQUAL(text(), "  ▁▄████\n");
    area = fresh(8, 1, true);
    area_spark(area, 0, 0, STYLE_GRAPH, values, 8, 100);
    CU_ASSERT_STRING_EQUAL(text(), "  .=@@@@\n");
    area_spark(area, 0, 0, STYLE_GRAPH, values, 8, 0);
    CU_ASSERT_STRING_EQUAL(text(), "\n");
}

static void styles_are_told_by_letters(void)
{
    struct area area = fresh(5, 1, false);
    area_text(area, 0, 0, STYLE_BAD, "ab");
    area_style(area, 1, 0, 9, STYLE_SELECT);
    struct text out;
    text_init(&out, shown, sizeof shown);
    canvas_styles_to_text(&canvas, &out);
    CU_ASSERT_STRING_EQUAL(shown, "Bssss\n");
}

static void every_size_is_safe(void)
{
    for (int w = -1; w < 30; w++)
        for (int h = -1; h < 12; h++) {
            struct area area = fresh(w, h, false);
            for (int x = -3; x < 33; x += 3)
                for (int y = -2; y < 14; y += 2) {
                    struct area part = area_sub(area, x, y, 7, 4);
                    struct area inner = area_box(part, STYLE_BORDER, STYLE_TITLE, "王芳 title", "right");
                    area_text_in(inner, x, y, w, STYLE_NORMAL, "王芳王芳");
                    area_fill(area_sub(inner, 1, 0, 2, 1), STYLE_NORMAL);
                }
            for (int i = 0; i < canvas.w * canvas.h; i++) {
                const struct cell *cell = &canvas.cells[i];
                bool wide_end = i % canvas.w == canvas.w - 1;
                CU_ASSERT_TRUE_FATAL(cell->width != 2 || (!wide_end && cell[1].width == 0));
                CU_ASSERT_TRUE_FATAL(cell->width != 0 || cell[-1].width == 2);
            }
        }
    CU_ASSERT_TRUE(canvas_resize(&canvas, INT_MAX, 1));
    canvas_free(&canvas);
}

int main(void)
{
    static const struct test_case cases[] = {
        {"draws and clips", draws_and_clips},
        {"cuts with an ellipsis", cuts_with_an_ellipsis},
        {"wide characters take two columns", wide_characters_take_two_columns},
        {"combining marks stay with their letter", combining_marks_stay_with_their_letter},
        {"nothing escapes", nothing_escapes},
        {"boxes", boxes},
        {"sparklines", sparklines},
        {"styles are told by letters", styles_are_told_by_letters},
        {"every size is safe", every_size_is_safe},
        {NULL, NULL},
    };
    if (!setlocale(LC_ALL, "C.UTF-8"))
        return 99;
    return test_main("canvas", cases);
}
