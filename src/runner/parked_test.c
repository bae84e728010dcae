#include "runner/parked.h"

#include "base/mem.h"
#include "test.h"

enum { N = 64 };

/* `n` tokens that count up from `from`, with a state of `bytes`. */
static enum err put(struct parked *p, int32_t from, uint32_t n, size_t bytes)
{
    CLEANUP(buf_done) struct buf state = BUF_INIT(bytes);
    int32_t token[N];
    for (uint32_t i = 0; i < n; i++)
        token[i] = from + (int32_t)i;
    CHECK(buf_reserve(&state, bytes) == ERR_OK);
    memset(state.data, from, bytes);
    buf_grew(&state, bytes);
    enum err e = parked_put(p, token, n, &state);
    CHECK((state.data == NULL) == (e == ERR_OK)); /* taken, or still ours */
    return e;
}

static uint32_t match(const struct parked *p, int32_t from, uint32_t n,
                      const struct parked_entry **e)
{
    int32_t token[N];
    for (uint32_t i = 0; i < n; i++)
        token[i] = from + (int32_t)i;
    return parked_match(p, token, n, e);
}

TEST(what_is_parked_is_found_by_its_beginning)
{
    struct parked p CLEANUP(parked_done) = parked_init(100000);
    const struct parked_entry *e;

    CHECK(match(&p, 1, 10, &e) == 0 && e == NULL);
    CHECK(put(&p, 1, 40, 1000) == ERR_OK && put(&p, 500, 40, 700) == ERR_OK);
    CHECK(match(&p, 1, 10, &e) == 10 && e->state.len == 1000);
    CHECK(match(&p, 1, 60, &e) == 40 && parked_len(e) == 40);
    CHECK(match(&p, 500, 41, &e) == 40 && e->state.len == 700);
    CHECK(e->state.data[699] == (char)500);
    CHECK(match(&p, 2, 40, &e) == 0 && e == NULL);
}

TEST(a_longer_one_replaces_what_it_begins_with)
{
    struct parked p CLEANUP(parked_done) = parked_init(100000);
    const struct parked_entry *e;

    CHECK(put(&p, 1, 20, 1000) == ERR_OK && put(&p, 1, 50, 2000) == ERR_OK);
    CHECK(match(&p, 1, 50, &e) == 50 && e->state.len == 2000);
    CHECK(p.bytes < 2600); /* one of them */
}

TEST(the_least_recently_used_goes_first)
{
    struct parked p CLEANUP(parked_done) = parked_init(5000);
    const struct parked_entry *e;

    CHECK(put(&p, 1, 20, 2000) == ERR_OK && put(&p, 100, 20, 2000) == ERR_OK);
    CHECK(match(&p, 1, 20, &e) == 20);
    parked_touch(&p, e);
    CHECK(put(&p, 200, 20, 2000) == ERR_OK);
    CHECK(p.bytes <= 5000);
    CHECK(match(&p, 1, 20, &e) == 20 && match(&p, 200, 20, &e) == 20);
    CHECK(match(&p, 100, 20, &e) == 0);
}

TEST(entries_are_bounded_too)
{
    struct parked p CLEANUP(parked_done) = parked_init(10000000);
    const struct parked_entry *e;

    for (int i = 0; i < 2 * PARKED_ENTRIES_MAX; i++)
        CHECK(put(&p, 1000 * (i + 1), 4, 8) == ERR_OK);
    CHECK(match(&p, 1000, 4, &e) == 0);
    CHECK(match(&p, 1000 * 2 * PARKED_ENTRIES_MAX, 4, &e) == 4);
}

TEST(one_that_is_too_large_is_refused_and_the_rest_stays)
{
    struct parked p CLEANUP(parked_done) = parked_init(3000);
    const struct parked_entry *e;

    CHECK(put(&p, 1, 20, 1000) == ERR_OK);
    CHECK(put(&p, 100, 20, 4000) == ERR_LIMIT);
    CHECK(match(&p, 1, 20, &e) == 20);
}

TEST(a_short_tail_on_a_parked_prefix_is_not_worth_a_copy)
{
    struct parked p CLEANUP(parked_done) = parked_init(100000);
    struct parked none CLEANUP(parked_done) = parked_init(0);
    int32_t token[N];

    for (int32_t i = 0; i < N; i++)
        token[i] = i + 1;
    CHECK(!parked_wants(&none, token, N) && parked_wants(&p, token, N));
    CHECK(put(&p, 1, N, 1000) == ERR_OK);
    CHECK(!parked_wants(&p, token, N) && !parked_wants(&p, token, 10));
    token[60] = 0;
    CHECK(!parked_wants(&p, token, N));
    token[40] = 0;
    CHECK(parked_wants(&p, token, N));
}

TEST(a_longer_conversation_is_wanted_however_short_the_new_part)
{
    struct parked p CLEANUP(parked_done) = parked_init(100000);
    int32_t token[N];

    for (int32_t i = 0; i < N; i++)
        token[i] = i + 1;
    CHECK(put(&p, 1, N - 1, 1000) == ERR_OK);
    CHECK(parked_wants(&p, token, N));
}

static bool parks_two(void)
{
    struct parked p CLEANUP(parked_done) = parked_init(100000);
    int32_t token[4] = {7, 8, 9, 10};
    uint32_t n = 0;

    for (uint32_t i = 1; i <= 2; i++) {
        CLEANUP(buf_done) struct buf state = BUF_INIT(100);
        n += buf_add_c(&state, "some state") == ERR_OK
             && parked_put(&p, token + i, 2, &state) == ERR_OK;
    }
    return n == 2;
}

TEST(no_memory_loses_nothing)
{
    TEST_OOM(parks_two());
}

TEST(the_need_grows_with_the_cache_up_to_a_bound)
{
    CHECK(parked_max(0) == 0 && parked_max(1000) == 500);
    CHECK(parked_max(UINT64_MAX) == (uint64_t)512 << 20);
}
