#include "runner/prefix.h"

#include "base/mem.h"
#include "base/rng.h"
#include "test.h"

static struct prefix *filled(const char *text, int32_t *seq)
{
    struct prefix *p = prefix_new(4, 100);
    *seq = prefix_open(p);
    for (; *text; text++) {
        int32_t t = (unsigned char)*text;
        assert_int_equal(prefix_add(p, *seq, &t, 1), ERR_OK);
    }
    return p;
}

static uint32_t match(const struct prefix *p, const char *text, int32_t *seq)
{
    int32_t t[64];
    uint32_t n = 0;
    for (; text[n]; n++)
        t[n] = (unsigned char)text[n];
    return prefix_match(p, t, n, seq);
}

TEST(the_longest_common_beginning_is_found)
{
    int32_t a, b, found;
    struct prefix *p = filled("hello world", &a);
    b = prefix_open(p);
    assert_int_equal(prefix_fork(p, a, 6, b), ERR_OK);
    const int32_t more[] = {'t', 'h', 'e', 'r', 'e'};
    assert_int_equal(prefix_add(p, b, more, 5), ERR_OK);
    assert_int_equal(match(p, "hello thermos", &found), 10);
    assert_int_equal(found, b);
    assert_int_equal(match(p, "hello wonder", &found), 8);
    assert_int_equal(found, a);
    assert_int_equal(match(p, "xyz", &found), 0);
    assert_int_equal(found, -1);
    prefix_free(p);
}

TEST(shared_cells_are_counted_once)
{
    int32_t a;
    struct prefix *p = filled("0123456789", &a);
    int32_t b = prefix_open(p), t = 'x';
    assert_int_equal(prefix_fork(p, a, 10, b), ERR_OK);
    assert_int_equal(prefix_cells(p), 10);
    assert_int_equal(prefix_add(p, b, &t, 1), ERR_OK);
    assert_int_equal(prefix_add(p, a, &t, 1), ERR_OK);
    assert_int_equal(prefix_cells(p), 12);
    prefix_drop(p, a);
    assert_int_equal(prefix_cells(p), 11);
    assert_int_equal(prefix_len(p, b), 11);
    prefix_free(p);
}

TEST(only_cells_of_idle_sequences_alone_can_be_gained)
{
    int32_t a;
    struct prefix *p = filled("0123456789", &a);
    int32_t b = prefix_open(p);
    assert_int_equal(prefix_fork(p, a, 4, b), ERR_OK);
    assert_int_equal(prefix_idle_cells(p), 0);
    prefix_idle(p, a);
    assert_int_equal(prefix_idle_cells(p), 6);
    prefix_idle(p, b);
    assert_int_equal(prefix_idle_cells(p), 10);
    assert_int_equal(prefix_covered(p), b);
    prefix_drop(p, b);
    assert_int_equal(prefix_covered(p), -1);
    prefix_free(p);
}

TEST(the_least_recently_used_goes_first)
{
    int32_t a;
    struct prefix *p = filled("aaaa", &a);
    int32_t b = prefix_open(p), c = prefix_open(p), t = 'b';
    assert_int_equal(prefix_add(p, b, &t, 1), ERR_OK);
    prefix_idle(p, a);
    prefix_idle(p, b);
    assert_int_equal(prefix_oldest(p), a);
    assert_int_equal(prefix_fork(p, a, 2, c), ERR_OK); /* a was of use */
    assert_int_equal(prefix_oldest(p), b);
    prefix_free(p);
}

TEST(slots_and_cells_are_bounded)
{
    int32_t t[101] = {0};
    struct prefix *p = prefix_new(2, 100);
    int32_t a = prefix_open(p);
    assert_int_equal(prefix_open(p), 1);
    assert_int_equal(prefix_open(p), -1);
    assert_int_equal(prefix_add(p, a, t, 101), ERR_LIMIT);
    assert_int_equal(prefix_cells(p), 0);
    prefix_free(p);
}

/* ---- against a model that names every cell -------------------------------------- */

enum { SLOTS = 12, CELLS = 600, STEPS = 4000 };

struct model {
    int32_t token[SLOTS][CELLS], cell[SLOTS][CELLS];
    uint32_t len[SLOTS];
    bool used[SLOTS], live[SLOTS];
    int32_t next_cell;
};

static uint32_t model_cells(const struct model *m, bool idle_only)
{
    static uint8_t owner[CELLS * STEPS];
    uint32_t n = 0;
    memset(owner, 0, (size_t)m->next_cell);
    for (int s = 0; s < SLOTS; s++)
        for (uint32_t i = 0; m->used[s] && i < m->len[s]; i++)
            owner[m->cell[s][i]] |= m->live[s] ? 2 : 1;
    for (int32_t c = 0; c < m->next_cell; c++)
        n += idle_only ? owner[c] == 1 : owner[c] != 0;
    return n;
}

static uint32_t model_match(const struct model *m, const int32_t *t, uint32_t n)
{
    uint32_t best = 0;
    for (int s = 0; s < SLOTS; s++) {
        uint32_t i = 0;
        while (m->used[s] && i < n && i < m->len[s] && m->token[s][i] == t[i])
            i++;
        best = MAX(best, i);
    }
    return best;
}

static int32_t any(struct rng *r, const struct model *m)
{
    for (int i = 0; i < 40; i++) {
        int32_t s = (int32_t)rng_below(r, SLOTS);
        if (m->used[s])
            return s;
    }
    return -1;
}

static void act(struct prefix *p, struct model *m, struct rng *r)
{
    int32_t s = any(r, m);
    switch (rng_below(r, 6)) {
    case 0:
    case 1: { /* a new one, forked when there is a source */
        int32_t n = prefix_open(p);
        if (n < 0)
            return;
        m->used[n] = m->live[n] = true;
        m->len[n] = 0;
        if (s < 0)
            return;
        uint32_t k = (uint32_t)rng_below(r, m->len[s] + 1);
        assert_int_equal(prefix_fork(p, s, k, n), ERR_OK);
        memcpy(m->token[n], m->token[s], k * sizeof(int32_t));
        memcpy(m->cell[n], m->cell[s], k * sizeof(int32_t));
        m->len[n] = k;
        return;
    }
    case 2:
        if (s >= 0) {
            prefix_drop(p, s);
            m->used[s] = false;
        }
        return;
    case 3:
        if (s >= 0 && m->live[s]) {
            prefix_idle(p, s);
            m->live[s] = false;
        }
        return;
    default: {
        int32_t t[8];
        uint32_t k = (uint32_t)rng_below(r, 8);
        if (s < 0 || !m->live[s] || model_cells(m, false) + k > CELLS)
            return;
        for (uint32_t i = 0; i < k; i++) {
            t[i] = (int32_t)rng_below(r, 2);
            m->token[s][m->len[s]] = t[i];
            m->cell[s][m->len[s]++] = m->next_cell++;
        }
        assert_int_equal(prefix_add(p, s, t, k), ERR_OK);
    }
    }
}

TEST(a_long_random_life_agrees_with_a_model_that_names_every_cell)
{
    static struct model m;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        memset(&m, 0, sizeof m);
        struct rng r = RNG_INIT(seed);
        struct prefix *p = prefix_new(SLOTS, CELLS);
        for (int i = 0; i < STEPS / 2; i++) {
            int32_t probe[40], found;
            act(p, &m, &r);
            assert_int_equal(prefix_cells(p), model_cells(&m, false));
            assert_int_equal(prefix_idle_cells(p), model_cells(&m, true));
            for (int k = 0; k < 40; k++)
                probe[k] = (int32_t)rng_below(&r, 2);
            uint32_t n = prefix_match(p, probe, 40, &found);
            assert_int_equal(n, model_match(&m, probe, 40));
            if (n)
                assert_memory_equal(m.token[found], probe, n * 4);
        }
        prefix_free(p);
    }
}

static bool fork_and_drop(void)
{
    int32_t t[] = {1, 2, 3, 4};
    struct prefix *p = prefix_new(3, 50);
    if (!p)
        return false;
    int32_t a = prefix_open(p), b = prefix_open(p);
    bool ok = prefix_add(p, a, t, 4) == ERR_OK
              && prefix_fork(p, a, 2, b) == ERR_OK
              && prefix_add(p, b, t, 3) == ERR_OK;
    uint32_t n = prefix_cells(p);
    prefix_drop(p, a);
    if (ok)
        assert_int_equal(n, 7);
    prefix_free(p);
    return ok;
}

TEST(failed_allocations_lose_nothing)
{
    TEST_OOM(fork_and_drop());
}
