#include "fake/fake_runner.h"

bool fake_runner_word(struct str words, const char *word, struct str *value)
{
    while (words.n != 0) {
        struct str one = str_cut(&words, ' ');
        struct str rest = one, name = str_cut(&rest, '=');

        if (!str_eq(name, str_c(word)))
            continue;
        *value = rest.n != 0 ? rest : STR("1");
        return true;
    }
    return false;
}

uint64_t fake_runner_number(struct str words, const char *word,
                            uint64_t otherwise)
{
    struct str value;
    uint64_t n;

    if (!fake_runner_word(words, word, &value)
        || !str_u64(value, UINT64_MAX, &n))
        return otherwise;
    return n;
}

struct str fake_runner_words(struct str text)
{
    size_t at = str_find(text, STR("fake{"));
    struct str rest = str_sub(text, at == SIZE_MAX ? text.n : at + 5, SIZE_MAX);

    return str_cut(&rest, '}');
}
