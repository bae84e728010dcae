#include "gateway/planner.h"

#include "base/rng.h"
#include "test.h"

#define GIB (UINT64_C(1) << 30)

/* A state that a test can write down: models of whole GiB. */
struct world {
    struct planner_model m[4];
    struct planner_state s;
};

static struct planner_model model(const char *name, uint64_t gib)
{
    return (struct planner_model){
        .name = name,
        .fixed_bytes = gib * GIB - 4096 * UINT64_C(65536),
        .ctx_bytes = 65536,
        .ctx = 4096,
        .ctx_min = 4096,
        .slots = 4,
        .waiting_ms = PLANNER_NEVER,
    };
}

static struct world world(uint64_t budget_gib)
{
    struct world w = {
        .m = {model("a", 4), model("b", 4), model("c", 2), model("d", 1)},
        .s = {.now_ms = 100000,
              .budget_bytes = budget_gib * GIB,
              .headroom_bytes = UINT64_MAX,
              .turn_ms = 5000,
              .loaded_max = 64,
              .count = 4},
    };

    return w;
}

static void load(struct world *w, size_t i, uint64_t used_ms, uint32_t active)
{
    struct planner_model *m = &w->m[i];

    m->at = PLANNER_READY;
    m->reserved_bytes = m->fixed_bytes + m->ctx * m->ctx_bytes;
    m->used_ms = used_ms;
    m->active = m->in_use = active;
}

static struct planner_plan place(struct world *w, size_t i, uint64_t arrived)
{
    struct planner_request rq = {i, arrived, 1};
    struct planner_plan p;

    w->s.models = w->m;
    planner_place(&w->s, &rq, &p);
    CHECK(p.reason[0] != '\0');
    return p;
}

TEST(a_loaded_model_takes_the_request_at_once)
{
    struct world w = world(8);

    load(&w, 0, 1, 0);
    CHECK(place(&w, 0, 100000).verdict == PLANNER_ADMIT);
}

TEST(a_model_that_fits_is_loaded_beside_the_others)
{
    struct world w = world(8);
    struct planner_plan p;

    load(&w, 0, 1, 3);
    p = place(&w, 1, 100000);
    CHECK(p.verdict == PLANNER_LOAD && p.n_ctx == 4096);
    CHECK(p.need_bytes == 4 * GIB && p.free_bytes == 4 * GIB);
}

TEST(the_idle_model_used_longest_ago_makes_room)
{
    struct world w = world(8);
    struct planner_plan p;

    load(&w, 0, 50, 0);
    load(&w, 1, 40, 0);
    p = place(&w, 2, 100000);
    CHECK(p.verdict == PLANNER_EVICT);
    CHECK(p.victim_count == 1 && p.victims[0] == 1);
}

TEST(no_more_is_evicted_than_needed)
{
    struct world w = world(8);
    struct planner_plan p;

    load(&w, 3, 10, 0); /* 1 GiB, oldest: alone not enough */
    load(&w, 2, 20, 0); /* 2 GiB */
    load(&w, 0, 30, 0); /* 4 GiB: alone enough */
    p = place(&w, 1, 100000);
    CHECK(p.verdict == PLANNER_EVICT);
    CHECK(p.victim_count == 2 && p.victims[0] == 3 && p.victims[1] == 2);
    w.m[1].fixed_bytes += GIB; /* 5 GiB, one is free: 4 more are needed */
    p = place(&w, 1, 100000);
    CHECK(p.verdict == PLANNER_EVICT);
    CHECK(p.victim_count == 1 && p.victims[0] == 0);
}

TEST(busy_and_pinned_models_are_never_victims)
{
    struct world w = world(8);
    struct planner_plan p;

    load(&w, 0, 1, 1);
    load(&w, 1, 2, 0);
    w.m[1].pinned = true;
    p = place(&w, 2, 100000);
    CHECK(p.verdict == PLANNER_WAIT && p.victim_count == 0);
}

TEST(what_can_never_fit_is_refused_with_the_numbers)
{
    struct world w = world(3);
    struct planner_plan p = place(&w, 0, 100000);

    CHECK(p.verdict == PLANNER_REFUSE && p.code == ERR_NOFIT);
    CHECK(p.retry_after_ms == 0);
    CHECK(strcmp(p.reason,
                 "a needs 4.0 GiB with a context of 4096 tokens (4.0 GiB with "
                 "4096); the memory budget is 3.0 GiB, of which pinned models "
                 "hold 0.0 MiB")
          == 0);
}

TEST(what_fits_but_for_other_programs_may_be_tried_later)
{
    struct world w = world(8);
    struct planner_plan p;

    w.s.headroom_bytes = 2 * GIB;
    p = place(&w, 0, 100000);
    CHECK(p.verdict == PLANNER_REFUSE && p.code == ERR_NOFIT);
    CHECK(p.retry_after_ms > 0);
    load(&w, 2, 1, 0); /* 2 GiB that can come back */
    p = place(&w, 0, 100000);
    CHECK(p.verdict == PLANNER_EVICT && p.victims[0] == 2);
}

TEST(a_context_is_cut_only_when_nothing_else_helps)
{
    struct world w = world(4);
    struct planner_plan p;

    w.m[0].ctx = 8192;
    w.m[0].ctx_min = 2048;
    p = place(&w, 0, 100000);
    CHECK(p.verdict == PLANNER_SHRINK && p.n_ctx == 4096);
    CHECK(p.need_bytes == 4 * GIB);
    w.s.budget_bytes = 5 * GIB;
    load(&w, 3, 1, 0);
    p = place(&w, 0, 100000);
    CHECK(p.verdict == PLANNER_EVICT && p.n_ctx == 8192);
    w.m[0].ctx_min = 8192;
    w.s.budget_bytes = 4 * GIB;
    CHECK(place(&w, 0, 100000).verdict == PLANNER_REFUSE);
}

TEST(a_failed_load_is_not_tried_before_its_time)
{
    struct world w = world(8);
    struct planner_plan p;

    w.m[0].retry_ms = w.s.now_ms + 2500;
    p = place(&w, 0, 100000);
    CHECK(p.verdict == PLANNER_REFUSE && p.code == ERR_RUNNER);
    CHECK(p.retry_after_ms == 2500);
    w.s.now_ms += 2000; /* half a second more is worth waiting for */
    CHECK(place(&w, 0, 100000).verdict == PLANNER_WAIT);
    w.s.now_ms += 500;
    CHECK(place(&w, 0, 100000).verdict == PLANNER_LOAD);
}

TEST(no_more_models_are_loaded_than_there_may_be)
{
    struct world w = world(20);
    struct planner_plan p;

    w.s.loaded_max = 2;
    load(&w, 0, 50, 1);
    load(&w, 1, 40, 1);
    p = place(&w, 2, 100000);
    CHECK(p.verdict == PLANNER_WAIT && p.victim_count == 0);
    w.m[0].active = w.m[0].in_use = 0;
    p = place(&w, 2, 100000);
    CHECK(p.verdict == PLANNER_EVICT);
    CHECK(p.victim_count == 1 && p.victims[0] == 0);
    w.m[0].at = PLANNER_LEAVING;
    p = place(&w, 2, 100000);
    CHECK(p.verdict == PLANNER_WAIT && p.victim_count == 0);
}

TEST(a_full_model_lets_the_request_wait)
{
    struct world w = world(8);
    struct planner_request rq = {0, 100000, 3};
    struct planner_plan p;

    load(&w, 0, 1, 2);
    w.s.models = w.m;
    planner_place(&w.s, &rq, &p);
    CHECK(p.verdict == PLANNER_WAIT);
    rq.slots = 2;
    planner_place(&w.s, &rq, &p);
    CHECK(p.verdict == PLANNER_ADMIT);
    /* more than the model ever has: alone it goes through, in rounds */
    w.m[0].active = w.m[0].in_use = 0;
    rq.slots = 9;
    planner_place(&w.s, &rq, &p);
    CHECK(p.verdict == PLANNER_ADMIT);
}

TEST(a_request_does_not_overtake_an_older_one_of_its_model)
{
    struct world w = world(8);

    load(&w, 0, 1, 1);
    w.m[0].waiting_ms = 99000;
    CHECK(place(&w, 0, 100000).verdict == PLANNER_WAIT);
    CHECK(place(&w, 0, 99000).verdict == PLANNER_ADMIT);
}

TEST(after_its_turn_a_waiting_model_stops_the_flow_to_another)
{
    struct world w = world(6);

    load(&w, 0, 1, 1);
    w.m[1].waiting_ms = 96000; /* 4 s ago */
    CHECK(place(&w, 0, 100000).verdict == PLANNER_ADMIT);
    w.m[1].waiting_ms = 95000; /* its turn */
    CHECK(place(&w, 0, 100000).verdict == PLANNER_WAIT);
    /* the older request still goes */
    CHECK(place(&w, 0, 94000).verdict == PLANNER_ADMIT);
    /* and a model just loaded is left alone */
    w.m[0].ready_ms = 95001;
    CHECK(place(&w, 0, 100000).verdict == PLANNER_ADMIT);
    w.m[0].ready_ms = 95000;
    CHECK(place(&w, 0, 100000).verdict == PLANNER_WAIT);
}

TEST(a_younger_load_does_not_take_the_memory_of_an_older_one)
{
    struct world w = world(7);

    load(&w, 0, 1, 1);
    w.m[1].waiting_ms = 99000; /* needs 4, has 3 free */
    CHECK(place(&w, 3, 100000).verdict == PLANNER_WAIT);
    w.s.budget_bytes = 9 * GIB; /* room for both */
    CHECK(place(&w, 3, 100000).verdict == PLANNER_LOAD);
}

TEST(a_sweep_unloads_what_is_idle_too_long_or_over_the_budget)
{
    struct world w = world(8);
    struct planner_plan p;

    w.s.models = w.m;
    load(&w, 0, 90000, 0);
    load(&w, 1, 95000, 0);
    w.m[0].ttl_ms = w.m[1].ttl_ms = 10001;
    planner_sweep(&w.s, &p);
    CHECK(p.verdict == PLANNER_WAIT);
    CHECK(planner_next_sweep(&w.s) == 100001);
    w.s.now_ms = 100001;
    planner_sweep(&w.s, &p);
    CHECK(p.verdict == PLANNER_EVICT);
    CHECK(p.victim_count == 1 && p.victims[0] == 0);
    w.s.now_ms = 100000;
    w.s.budget_bytes = 7 * GIB;
    w.m[0].active = 1;
    planner_sweep(&w.s, &p);
    CHECK(p.verdict == PLANNER_EVICT);
    CHECK(p.victim_count == 1 && p.victims[0] == 1);
}

/* ---- simulation ------------------------------------------------------------
 *
 * Requests for eight models of random sizes arrive, loads take time, fail or
 * not, answers take time. Time is whole milliseconds; at each step the world
 * does what falls due and the planner is asked for every waiting request,
 * oldest first, as the pool does. */

enum {
    N_MODELS = 8,
    N_WAITING = 64,
    N_RUNNING = 64,
    STEP_MS = 100,
    LOAD_MS = 2000,
    LEAVE_MS = 300,
    ANSWER_MS = 3000,
    TURN_MS = 1000
};

struct sim {
    struct planner_model m[N_MODELS];
    struct planner_state s;
    uint64_t due[N_MODELS]; /* end of a load or of leaving */
    struct planner_request waiting[N_WAITING];
    size_t n_waiting;
    struct {
        size_t model;
        uint32_t slots;
        uint64_t due;
    } run[N_RUNNING];
    size_t n_run;
    struct rng rng;
    uint64_t served, refused, swaps, longest_ms;
};

static void sim_init(struct sim *sim, uint64_t seed)
{
    *sim = (struct sim){.rng = RNG_INIT(seed)};
    for (size_t i = 0; i < N_MODELS; i++) {
        sim->m[i] = model("m", 1 + rng_below(&sim->rng, 5));
        sim->m[i].ttl_ms = 20000;
        sim->m[i].ctx_min = rng_below(&sim->rng, 2) != 0 ? 1024 : 4096;
    }
    sim->m[0].pinned = true;
    sim->m[0].fixed_bytes = GIB / 4;
    sim->s = (struct planner_state){.budget_bytes = 8 * GIB,
                                    .headroom_bytes = UINT64_MAX,
                                    .turn_ms = TURN_MS,
                                    .loaded_max = 4,
                                    .now_ms = 1000000,
                                    .models = sim->m,
                                    .count = N_MODELS};
}

static void refresh_waiting(struct sim *sim)
{
    for (size_t i = 0; i < N_MODELS; i++)
        sim->m[i].waiting_ms = PLANNER_NEVER;
    for (size_t i = sim->n_waiting; i-- > 0;)
        sim->m[sim->waiting[i].model].waiting_ms = sim->waiting[i].arrived_ms;
}

static void leave(struct sim *sim, const struct planner_plan *p)
{
    for (size_t k = 0; k < p->victim_count; k++) {
        struct planner_model *v = &sim->m[p->victims[k]];

        CHECK(v->at == PLANNER_READY && v->active == 0 && !v->pinned);
        v->at = PLANNER_LEAVING;
        sim->due[p->victims[k]] =
            sim->s.now_ms + rng_below(&sim->rng, LEAVE_MS);
    }
}

/* True when the request left the queue. */
static bool carry_out(struct sim *sim, const struct planner_request *rq,
                      const struct planner_plan *p)
{
    struct planner_model *m = &sim->m[rq->model];

    switch (p->verdict) {
    case PLANNER_ADMIT:
        if (sim->n_run == N_RUNNING)
            return false;
        sim->run[sim->n_run].model = rq->model;
        sim->run[sim->n_run].slots = rq->slots;
        sim->run[sim->n_run++].due =
            sim->s.now_ms + rng_below(&sim->rng, ANSWER_MS);
        m->active++;
        m->in_use += rq->slots;
        m->used_ms = sim->s.now_ms;
        sim->served++;
        sim->longest_ms = MAX(sim->longest_ms, sim->s.now_ms - rq->arrived_ms);
        return true;
    case PLANNER_LOAD:
    case PLANNER_EVICT:
    case PLANNER_SHRINK:
        leave(sim, p);
        if (p->victim_count != 0)
            return false;
        CHECK(m->at == PLANNER_ABSENT);
        CHECK(p->n_ctx >= m->ctx_min && p->n_ctx <= m->ctx);
        m->at = PLANNER_LOADING;
        m->reserved_bytes = p->need_bytes;
        sim->due[rq->model] = sim->s.now_ms + rng_below(&sim->rng, LOAD_MS);
        sim->swaps++;
        return false;
    case PLANNER_REFUSE:
        sim->refused++;
        return true;
    case PLANNER_WAIT:
        break;
    }
    return false;
}

static void check_budget(const struct sim *sim)
{
    uint64_t reserved = 0;

    for (size_t i = 0; i < N_MODELS; i++)
        reserved += sim->m[i].reserved_bytes;
    CHECK(reserved <= sim->s.budget_bytes);
}

static void pump(struct sim *sim)
{
    size_t kept = 0;

    for (size_t i = 0; i < sim->n_waiting; i++) {
        struct planner_plan p;
        struct planner_request rq = sim->waiting[i];

        planner_place(&sim->s, &rq, &p);
        if (!carry_out(sim, &rq, &p)) {
            sim->waiting[kept++] = rq;
            continue;
        }
        memmove(&sim->waiting[kept], &sim->waiting[i + 1],
                (sim->n_waiting - i - 1) * sizeof(rq));
        sim->n_waiting -= i + 1 - kept;
        refresh_waiting(sim);
        i = kept - 1;
    }
    check_budget(sim);
}

static void finish_due(struct sim *sim)
{
    for (size_t i = 0; i < sim->n_run;) {
        struct planner_model *m = &sim->m[sim->run[i].model];

        if (sim->run[i].due > sim->s.now_ms) {
            i++;
            continue;
        }
        m->active--;
        m->in_use -= sim->run[i].slots;
        m->used_ms = sim->s.now_ms;
        sim->run[i] = sim->run[--sim->n_run];
    }
    for (size_t i = 0; i < N_MODELS; i++) {
        struct planner_model *m = &sim->m[i];
        bool failed = rng_below(&sim->rng, 50) == 0;

        if (sim->due[i] > sim->s.now_ms)
            continue;
        if (m->at == PLANNER_LOADING && !failed) {
            m->at = PLANNER_READY;
            m->ready_ms = m->used_ms = sim->s.now_ms;
        } else if (m->at == PLANNER_LOADING || m->at == PLANNER_LEAVING) {
            m->retry_ms = m->at == PLANNER_LOADING ? sim->s.now_ms + 1000 : 0;
            m->at = PLANNER_ABSENT;
            m->reserved_bytes = 0;
        }
    }
}

/* One request in `rarity` steps; 0: none. */
static void sim_step(struct sim *sim, uint64_t rarity)
{
    struct planner_plan p;

    sim->s.now_ms += 1 + rng_below(&sim->rng, STEP_MS);
    finish_due(sim);
    /* skewed to a few of the models */
    if (rarity != 0 && sim->n_waiting < N_WAITING
        && rng_below(&sim->rng, rarity) == 0) {
        uint64_t draw = rng_below(&sim->rng, N_MODELS * N_MODELS);

        sim->waiting[sim->n_waiting++] = (struct planner_request){
            .model = (size_t)(draw % (1 + draw / N_MODELS)),
            .arrived_ms = sim->s.now_ms,
            .slots = 1 + (uint32_t)rng_below(&sim->rng, 3)};
    }
    refresh_waiting(sim);
    pump(sim);
    planner_sweep(&sim->s, &p);
    leave(sim, &p);
}

static void simulate(uint64_t seed, size_t steps, uint64_t rarity,
                     uint64_t bound_ms)
{
    struct sim sim;
    size_t left = 20000;

    sim_init(&sim, seed);
    for (size_t i = 0; i < steps; i++)
        sim_step(&sim, rarity);
    while ((sim.n_waiting > 0 || sim.n_run > 0) && left-- > 0)
        sim_step(&sim, 0);
    CHECK(sim.n_waiting == 0 && sim.n_run == 0);
    CHECK(sim.served > steps / 50 && sim.swaps > steps / 200);
    CHECK(sim.longest_ms < bound_ms);
}

/* Each of eight models may come first, for a turn, with its load, the answers
 * that drain, and a failed load with its pause. */
#define ROUND_MS                                                               \
    ((uint64_t)N_MODELS                                                        \
     * (TURN_MS + 2 * LOAD_MS + LEAVE_MS + 2 * ANSWER_MS + 1000))

TEST(in_a_long_simulation_nothing_starves_and_the_budget_holds)
{
    size_t steps = test_torture() ? 500000 : 50000;

    for (uint64_t seed = 1; seed <= 2; seed++)
        simulate(seed, steps, 20, ROUND_MS);
}

/* More comes than can be served: the queue is full all the time, and a request
 * waits for those before it but for no other. */
TEST(under_overload_the_wait_is_bounded_by_the_queue)
{
    for (uint64_t seed = 3; seed <= 4; seed++)
        simulate(seed, 10000, 4, ROUND_MS * N_WAITING / N_MODELS);
}
