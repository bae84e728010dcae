#include "data/json_lex.h"

#include "test.h"

static struct json_lex on(const char *text)
{
    return (struct json_lex){.p = text, .end = text + strlen(text)};
}

TEST(tokens_end_just_past_their_last_byte)
{
    struct json_lex s = on("\"a\\\"b\" x"), n = on("-0.5e+3,"), t = on("true]");
    struct json_lex w = on(" \n\r\t x");

    CHECK(json_lex_string(&s) && strcmp(s.p, " x") == 0);
    CHECK(json_lex_number(&n) && strcmp(n.p, ",") == 0);
    CHECK(json_lex_word(&t, STR("true")) && strcmp(t.p, "]") == 0);
    json_lex_space(&w);
    CHECK(strcmp(w.p, "x") == 0);
}

TEST(a_wrong_token_leaves_the_cursor_on_the_wrong_byte)
{
    struct json_lex s = on("\"ab\x01\""), n = on("1.x"), t = on("trux");

    CHECK(!json_lex_string(&s) && *s.p == '\x01' && s.err == ERR_PARSE);
    CHECK(!json_lex_number(&n) && *n.p == 'x' && n.problem != NULL);
    CHECK(!json_lex_word(&t, STR("true")) && *t.p == 't');
}

TEST(escapes_become_utf8)
{
    struct str s = STR("\\n\\u00e9\\uD83D\\uDE00z");
    char out[4];

    CHECK(json_lex_unescape(&s, out) == 1 && out[0] == '\n');
    CHECK(json_lex_unescape(&s, out) == 2 && memcmp(out, "\xc3\xa9", 2) == 0);
    CHECK(json_lex_unescape(&s, out) == 4);
    CHECK(memcmp(out, "\xf0\x9f\x98\x80", 4) == 0 && str_eq(s, STR("z")));
}
