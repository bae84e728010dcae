/*
 * Open addressing with linear probing and backward-shift deletion: no
 * tombstones, so a table that lives for months does not slow down.
 */
#include "base/map.h"

#include "base/mem.h"
#include "base/siphash.h"

struct map_slot {
    char *key; /* NULL: free */
    size_t key_len;
    uint64_t hash;
    void *value;
};

static size_t find(const struct map *m, struct str key, uint64_t hash)
{
    size_t i = hash & (m->cap - 1);

    while (m->slots[i].key != NULL
           && (m->slots[i].hash != hash
               || !str_eq((struct str){m->slots[i].key, m->slots[i].key_len},
                          key)))
        i = (i + 1) & (m->cap - 1);
    return i;
}

void *map_get(const struct map *m, struct str key)
{
    if (m->cap == 0)
        return NULL;
    return m->slots[find(m, key, siphash(key, m->seed, ~m->seed))].value;
}

static enum err grow(struct map *m)
{
    size_t cap = m->cap == 0 ? 16 : m->cap * 2;
    struct map_slot *old = m->slots;
    struct map_slot *slots = mem_calloc(cap, sizeof(*slots));

    if (slots == NULL)
        return ERR_NOMEM;
    for (size_t j = 0; j < m->cap; j++) {
        size_t i = old[j].hash & (cap - 1);

        if (old[j].key == NULL)
            continue;
        while (slots[i].key != NULL)
            i = (i + 1) & (cap - 1);
        slots[i] = old[j];
    }
    mem_free(old);
    m->slots = slots;
    m->cap = cap;
    return ERR_OK;
}

enum err map_add(struct map *m, struct str key, void *value)
{
    uint64_t hash = siphash(key, m->seed, ~m->seed);
    char *copy;
    size_t i;

    assert(value != NULL);
    if (map_get(m, key) != NULL)
        return ERR_EXISTS;
    if (m->count >= m->max)
        return ERR_LIMIT;
    if (m->count + 1 > m->cap / 4 * 3)
        TRY(grow(m));
    copy = mem_strndup(key.p, key.n);
    if (copy == NULL)
        return ERR_NOMEM;
    i = find(m, key, hash);
    m->slots[i] = (struct map_slot){copy, key.n, hash, value};
    m->count++;
    return ERR_OK;
}

void *map_drop(struct map *m, struct str key)
{
    size_t i, j, mask = m->cap - 1;
    void *value;

    if (m->cap == 0)
        return NULL;
    i = find(m, key, siphash(key, m->seed, ~m->seed));
    if (m->slots[i].key == NULL)
        return NULL;
    value = m->slots[i].value;
    mem_free(m->slots[i].key);
    m->count--;
    /* Close the gap: move back every entry that may not stay behind it. */
    for (j = (i + 1) & mask; m->slots[j].key != NULL; j = (j + 1) & mask) {
        size_t home = m->slots[j].hash & mask;

        if (((j - home) & mask) < ((j - i) & mask))
            continue;
        m->slots[i] = m->slots[j];
        i = j;
    }
    m->slots[i] = (struct map_slot){0};
    return value;
}

bool map_next(const struct map *m, size_t *i, struct str *key, void **value)
{
    for (; *i < m->cap; (*i)++) {
        const struct map_slot *s = &m->slots[*i];

        if (s->key == NULL)
            continue;
        *key = (struct str){s->key, s->key_len};
        *value = s->value;
        (*i)++;
        return true;
    }
    return false;
}

void map_done(struct map *m)
{
    for (size_t i = 0; i < m->cap; i++)
        mem_free(m->slots[i].key);
    mem_free(m->slots);
    *m = MAP_INIT(m->max, m->seed);
}
