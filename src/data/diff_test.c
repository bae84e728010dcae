#include "data/diff.h"

#include "base/rng.h"
#include "test.h"

static bool diff_is(const char *a, const char *b, const char *want)
{
    struct buf out CLEANUP(buf_done) = BUF_INIT(100000);

    CHECK(diff_unified(STR("a"), str_c(a), STR("b"), str_c(b), &out, NULL)
          == ERR_OK);
    if (str_eq(buf_str(&out), str_c(want)))
        return true;
    print_error("got:\n%.*s\n", STR_ARG(buf_str(&out)));
    return false;
}

TEST(equal_texts_have_no_diff)
{
    CHECK(diff_is("", "", ""));
    CHECK(diff_is("a\nb\n", "a\nb\n", ""));
}

TEST(diffs_read_like_those_of_diff_u)
{
    CHECK(diff_is("1\n2\n3\n4\n5\n6\n7\n8\n", "1\n2\n3\n4\nx\n6\n7\n8\n",
                  "--- a\n+++ b\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n"
                  " 8\n"));
    CHECK(diff_is("", "a\nb\n", "--- a\n+++ b\n@@ -0,0 +1,2 @@\n+a\n+b\n"));
    CHECK(diff_is("a\n", "", "--- a\n+++ b\n@@ -1,1 +0,0 @@\n-a\n"));
    CHECK(diff_is("a\nb", "a\nb\n",
                  "--- a\n+++ b\n@@ -1,2 +1,2 @@\n a\n-b\n"
                  "\\ No newline at end of file\n+b\n"));
    CHECK(diff_is("b\n", "a\nb\n", "--- a\n+++ b\n@@ -1,1 +1,2 @@\n+a\n b\n"));
}

TEST(changes_share_a_hunk_when_their_context_meets)
{
    CHECK(diff_is("a\n1\n2\n3\n4\n5\n6\nb\n", "A\n1\n2\n3\n4\n5\n6\nB\n",
                  "--- a\n+++ b\n@@ -1,8 +1,8 @@\n-a\n+A\n 1\n 2\n 3\n 4\n 5\n"
                  " 6\n-b\n+B\n"));
    CHECK(diff_is("a\n1\n2\n3\n4\n5\n6\n7\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\nB\n",
                  "--- a\n+++ b\n@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n"
                  "@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+B\n"));
}

TEST(the_edit_script_is_the_shortest)
{
    struct buf out CLEANUP(buf_done) = BUF_INIT(1000);
    struct diff_stat s;

    /* the example of the paper: ABCABBA to CBABAC in 5 edits */
    CHECK(diff_unified(STR("a"), STR("A\nB\nC\nA\nB\nB\nA\n"), STR("b"),
                       STR("C\nB\nA\nB\nA\nC\n"), &out, &s)
          == ERR_OK);
    CHECK(s.removed == 3 && s.added == 2);
}

TEST(names_cannot_break_out_of_their_line)
{
    struct buf out CLEANUP(buf_done) = BUF_INIT(1000);

    CHECK(diff_unified(STR("a\n+++ evil"), STR("x\n"), STR("b\r"), STR("y\n"),
                       &out, NULL)
          == ERR_OK);
    CHECK(str_starts(buf_str(&out), STR("--- a?+++ evil\n+++ b?\n@@ ")));
}

static void copy_line(struct str *from, struct buf *out)
{
    CHECK(buf_add(out, str_cut(from, '\n')) == ERR_OK);
    CHECK(buf_add_byte(out, '\n') == ERR_OK);
}

/* "@@ -from,count +...": how many lines stand before the hunk. */
static size_t hunk_start(struct str line)
{
    struct str nums = str_sub(line, 4, line.n);
    struct str start = str_cut(&nums, ',');
    uint64_t from = 0;

    CHECK(str_u64(start, 1000000, &from));
    return from - !str_eq(str_cut(&nums, ' '), STR("0"));
}

/* Applies a diff to the old text; the result must be the new one. */
static void apply(struct str old, struct str diff, struct buf *out)
{
    bool fresh = false; /* the last line printed belongs to the new text */
    struct str line;
    size_t at = 0;

    CHECK(str_line(&diff, &line) && str_line(&diff, &line));
    while (diff.n != 0) {
        line = str_cut(&diff, '\n');
        if (line.p[0] == '@') {
            for (size_t from = hunk_start(line); at < from; at++)
                copy_line(&old, out);
            continue;
        }
        if (line.p[0] == '\\') {
            out->len -= fresh;
            continue;
        }
        fresh = line.p[0] != '-';
        if (line.p[0] != '+') {
            CHECK(str_eq(str_cut(&old, '\n'), str_sub(line, 1, line.n)));
            at++;
        }
        line = str_sub(line, 1, line.n);
        if (fresh)
            copy_line(&line, out);
    }
    CHECK(buf_add(out, old) == ERR_OK);
}

static void random_text(struct rng *r, struct buf *b, size_t lines,
                        unsigned kinds)
{
    buf_clear(b);
    for (size_t i = 0; i < lines; i++)
        CHECK(buf_printf(b, "%u\n", (unsigned)rng_below(r, kinds)) == ERR_OK);
    if (b->len != 0 && rng_below(r, 3) == 0)
        b->len--;
}

TEST(random_diffs_applied_give_the_new_text)
{
    struct buf a CLEANUP(buf_done) = BUF_INIT(1 << 20);
    struct buf b CLEANUP(buf_done) = BUF_INIT(1 << 20);
    struct rng r = RNG_INIT(7);

    for (int i = 0; i < 2000; i++) {
        struct buf out CLEANUP(buf_done) = BUF_INIT(1 << 20);
        struct buf got CLEANUP(buf_done) = BUF_INIT(1 << 20);
        unsigned kinds = 1 + (unsigned)rng_below(&r, 9);

        random_text(&r, &a, rng_below(&r, 30), kinds);
        random_text(&r, &b, rng_below(&r, 30), kinds);
        CHECK(diff_unified(STR("a"), buf_str(&a), STR("b"), buf_str(&b), &out,
                           NULL)
              == ERR_OK);
        if (out.len == 0) {
            CHECK(str_eq(buf_str(&a), buf_str(&b)));
            continue;
        }
        apply(buf_str(&a), buf_str(&out), &got);
        CHECK(str_eq(buf_str(&got), buf_str(&b)));
    }
}

TEST(texts_too_different_are_one_replaced_block)
{
    struct buf a CLEANUP(buf_done) = BUF_INIT(1 << 20);
    struct buf b CLEANUP(buf_done) = BUF_INIT(1 << 20);
    struct buf out CLEANUP(buf_done) = BUF_INIT(1 << 20);
    struct buf got CLEANUP(buf_done) = BUF_INIT(1 << 20);
    struct diff_stat s;

    CHECK(buf_add_c(&a, "same\n") == ERR_OK);
    CHECK(buf_add_c(&b, "same\n") == ERR_OK);
    for (int i = 0; i < 600; i++) {
        CHECK(buf_printf(&a, "old %d\nkept %d\n", i, i) == ERR_OK);
        CHECK(buf_printf(&b, "kept %d\nnew %d\n", i, i) == ERR_OK);
    }
    CHECK(diff_unified(STR("a"), buf_str(&a), STR("b"), buf_str(&b), &out, &s)
          == ERR_OK);
    CHECK(s.removed == 1200 && s.added == 1200);
    apply(buf_str(&a), buf_str(&out), &got);
    CHECK(str_eq(buf_str(&got), buf_str(&b)));
}

TEST(too_many_lines_or_a_full_buffer_is_an_error)
{
    struct buf a CLEANUP(buf_done) = BUF_INIT(1 << 20);
    struct buf out CLEANUP(buf_done) = BUF_INIT(20);

    for (int i = 0; i <= DIFF_MAX_LINES; i++)
        CHECK(buf_add_byte(&a, '\n') == ERR_OK);
    CHECK(diff_unified(STR("a"), buf_str(&a), STR("b"), STR(""), &out, NULL)
          == ERR_LIMIT);
    CHECK(diff_unified(STR("a"), STR("x\n"), STR("b"), STR("y\n"), &out, NULL)
          == ERR_LIMIT);
    CHECK(out.len == 0);
}

static bool diff_once(void)
{
    struct buf out CLEANUP(buf_done) = BUF_INIT(1000);

    return diff_unified(STR("a"), STR("1\n2\n3\n"), STR("b"), STR("2\n4\n"),
                        &out, NULL)
           == ERR_OK;
}

TEST(no_memory_leaks_nothing)
{
    TEST_OOM(diff_once());
}
