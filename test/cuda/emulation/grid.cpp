// SPDX-License-Identifier: Apache-2.0
/* The scheduler: one grid at a time for each OS thread, block after block. */
#include "emulation/emulation.h"
#include "emulation/fiber.h"
#include "emulation/shared_memory.h"

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vector>

namespace cop
{
namespace emulation
{

__thread const identity *current;

void fail(place where, const char *format, ...)
{
    fprintf(stderr, "%s:%d: ", where.file, where.line);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    if (current != nullptr)
        fprintf(stderr, " (thread %u,%u,%u of block %u,%u,%u)", current->thread.x,
                current->thread.y, current->thread.z, current->block.x, current->block.y,
                current->block.z);
    fputc('\n', stderr);
    abort();
}

struct pending_copy {
    void *shared;
    const void *global;
    size_t bytes;
    bool is_present;
};

/* How many copies had been issued when a group ended. */
struct copy_group {
    size_t end;
};

enum thread_state { THREAD_RUNS, THREAD_IN_BARRIER, THREAD_IN_COLLECTIVE, THREAD_ENDED };

struct thread {
    identity who;
    thread_state state;
    place where;
    fiber *on;
    std::vector<pending_copy> copies; /* in the order they were issued */
    std::vector<copy_group> groups;
};

/* Lanes of one warp on their way into one collective. */
struct meeting {
    unsigned lanes, arrived;
    const char *what;
    place where;
    void *arguments[32];
};

struct warp {
    std::vector<meeting> meetings; /* of different lanes */
    char order;                    /* what ThreadSanitizer orders the lanes by */
};

struct scheduler {
    fiber home; /* the OS thread */
    std::vector<std::unique_ptr<fiber>> fibers;
    std::vector<fiber *> idle;
    std::vector<thread> threads;
    std::vector<warp> warps;
    std::vector<thread *> ready; /* a ring */
    size_t ready_first, ready_count;
    unsigned thread_count, started, ended, in_barrier;
    place barrier;
    char barrier_order[2], begin_order, end_order;
    unsigned barrier_turn;
    thread *running;
    void (*body)(const void *argument);
    const void *argument;
    shared_memory shared;

    ~scheduler()
    {
        for (const std::unique_ptr<fiber> &each : fibers)
            destroy_fiber(each.get());
    }
};

static thread_local std::unique_ptr<scheduler> own_scheduler;
static __thread scheduler *self; /* own_scheduler's, at hand */

static void run_threads();

static fiber *take_fiber()
{
    if (self->idle.empty()) {
        self->fibers.emplace_back(new fiber);
        create_fiber(self->fibers.back().get(), run_threads);
        return self->fibers.back().get();
    }
    fiber *taken = self->idle.back();
    self->idle.pop_back();
    return taken;
}

static void push_ready(thread *one)
{
    const size_t at = (self->ready_first + self->ready_count++) % self->ready.size();
    self->ready[at] = one;
}

static thread *pop_ready()
{
    thread *one = self->ready[self->ready_first];
    self->ready_first = (self->ready_first + 1) % self->ready.size();
    self->ready_count--;
    return one;
}

static void set_running(thread *one)
{
    self->running = one;
    current = one != nullptr ? &one->who : nullptr;
}

/* Nothing can go on: says what the first thread that waits is waiting for. */
[[noreturn]] static void fail_stuck()
{
    for (unsigned i = 0; i < self->thread_count; i++) {
        const thread &one = self->threads[i];
        if (one.state == THREAD_IN_BARRIER || one.state == THREAD_IN_COLLECTIVE) {
            current = &one.who;
            fail(one.where, "%s is not reached by all threads: %u of %u have ended",
                 one.state == THREAD_IN_BARRIER ? "__syncthreads" : "a collective of the warp",
                 self->ended, self->thread_count);
        }
    }
    fail({__FILE__, __LINE__}, "no thread is left to run");
}

/* Which fiber goes on when this one cannot: first new threads, then those that waited. */
static fiber *choose_next()
{
    if (self->started < self->thread_count) {
        thread *next = &self->threads[self->started++];
        next->on = take_fiber();
        set_running(next);
        return next->on;
    }
    if (self->ready_count == 0)
        fail_stuck();
    thread *next = pop_ready();
    set_running(next);
    return next->on;
}

/* Leaves the running thread until something makes it ready. */
static void wait_in(thread_state state, place where)
{
    thread *me = self->running;
    me->state = state;
    me->where = where;
    fiber *next = choose_next();
    if (next != me->on)
        switch_fiber(me->on, next);
    me->state = THREAD_RUNS;
}

static void end_thread(thread *me)
{
    if (!me->copies.empty())
        fail({__FILE__, __LINE__}, "a thread ended with asynchronous copies nobody waited for");
    me->groups.clear();
    me->state = THREAD_ENDED;
    self->ended++;
}

/* What every fiber does, forever: a thread, and the next that nobody began, if any. */
static void run_threads()
{
    enter_fiber(&self->home);
    for (;;) {
        thread *me = self->running;
        fiber *mine = me->on;
        acquire_order(&self->begin_order);
        self->body(self->argument);
        end_thread(me);
        release_order(&self->end_order);
        if (!COP_HAS_TSAN && self->started < self->thread_count) {
            thread *next = &self->threads[self->started++];
            next->on = mine;
            set_running(next);
            continue;
        }
        fiber *next = &self->home;
        if (self->ended < self->thread_count)
            next = choose_next();
        self->idle.push_back(mine);
        release_order(&self->end_order);
        switch_fiber(mine, next);
    }
}

static void begin_block(uint3 block, dim3 block_dim, dim3 grid_dim)
{
    for (unsigned i = 0; i < self->thread_count; i++) {
        thread &one = self->threads[i];
        one.who.thread = {i % block_dim.x, i / block_dim.x % block_dim.y,
                          i / (block_dim.x * block_dim.y)};
        one.who.block = block;
        one.who.block_dim = block_dim;
        one.who.grid_dim = grid_dim;
        one.who.lane = i % 32;
        one.who.warp = i / 32;
        one.state = THREAD_RUNS;
    }
    self->started = self->ended = self->in_barrier = 0;
    self->ready_first = self->ready_count = 0;
    self->shared.begin_block();
}

static void run_block(uint3 block, dim3 block_dim, dim3 grid_dim)
{
    begin_block(block, block_dim, grid_dim);
    release_order(&self->begin_order);
    switch_fiber(&self->home, choose_next());
    acquire_order(&self->end_order);
    set_running(nullptr);
    self->shared.end_block();
}

/* Makes room for everything, because nothing orders the memory that one fiber would allocate and
 * another free. */
static void prepare_scheduler(unsigned thread_count)
{
    if (own_scheduler == nullptr) {
        own_scheduler.reset(new scheduler());
        self = own_scheduler.get();
        describe_thread(&self->home);
        self->fibers.reserve(1024);
        self->idle.reserve(1024);
    }
    self->thread_count = thread_count;
    self->threads.resize(thread_count);
    self->ready.resize(thread_count);
    self->warps.resize((thread_count + 31) / 32);
    for (warp &each : self->warps)
        each.meetings.reserve(32);
}

void run_grid(dim3 grid, dim3 block, size_t shared_bytes, void (*body)(const void *argument),
              const void *argument)
{
    prepare_scheduler(block.x * block.y * block.z);
    self->body = body;
    self->argument = argument;
    self->shared.begin_grid(shared_bytes);
    for (unsigned z = 0; z < grid.z; z++)
        for (unsigned y = 0; y < grid.y; y++)
            for (unsigned x = 0; x < grid.x; x++)
                run_block({x, y, z}, block, grid);
}

static bool is_same(place a, place b)
{
    return a.line == b.line && strcmp(a.file, b.file) == 0;
}

void wait_block(place where)
{
    if (self->in_barrier == 0)
        self->barrier = where;
    else if (!is_same(where, self->barrier))
        fail(where, "__syncthreads while other threads are in that of %s:%d", self->barrier.file,
             self->barrier.line);
    char *order = &self->barrier_order[self->barrier_turn % 2];
    release_order(order);
    if (++self->in_barrier < self->thread_count) {
        wait_in(THREAD_IN_BARRIER, where);
    } else {
        for (unsigned i = 0; i < self->thread_count; i++)
            if (&self->threads[i] != self->running)
                push_ready(&self->threads[i]);
        self->in_barrier = 0;
        self->barrier_turn++;
    }
    acquire_order(order);
}

/* The meeting that the running lane belongs to, made if it is the first to come. */
static meeting *find_meeting(warp *group, unsigned lanes, const char *what, place where)
{
    const unsigned lane = current->lane;
    if ((lanes >> lane & 1) == 0)
        fail(where, "%s: a lane is not in its own mask %08x", what, lanes);
    for (meeting &each : group->meetings) {
        if ((each.lanes & lanes) == 0)
            continue;
        if (each.lanes != lanes || each.what != what || !is_same(each.where, where))
            fail(where, "%s of lanes %08x while others are in %s of lanes %08x at %s:%d", what,
                 lanes, each.what, each.lanes, each.where.file, each.where.line);
        return &each;
    }
    group->meetings.push_back({lanes, 0, what, where, {}});
    return &group->meetings.back();
}

void wait_warp(unsigned lanes, const char *what, void (*act)(void *const *arguments),
               void *argument, place where)
{
    warp *group = &self->warps[current->warp];
    const unsigned first = current->warp * 32;
    const unsigned present = std::min(self->thread_count - first, 32u);
    if (present < 32)
        lanes &= (1u << present) - 1;
    meeting *here = find_meeting(group, lanes, what, where);
    here->arguments[current->lane] = argument;
    here->arrived |= 1u << current->lane;
    release_order(&group->order);
    if (here->arrived != lanes) {
        wait_in(THREAD_IN_COLLECTIVE, where);
        acquire_order(&group->order);
        return;
    }
    acquire_order(&group->order);
    if (act != nullptr)
        act(here->arguments);
    release_order(&group->order);
    for (unsigned lane = 0; lane < present; lane++)
        if ((lanes >> lane & 1) != 0 && lane != current->lane)
            push_ready(&self->threads[first + lane]);
    group->meetings.erase(group->meetings.begin() + (here - group->meetings.data()));
}

void *dynamic_shared()
{
    return self->shared.dynamic();
}

void *static_shared(const void *key, size_t bytes)
{
    return self->shared.find(key, bytes);
}

/* The target may be written at any time until the copy was waited for, so it is NaN till then. */
void copy_async(void *shared, const void *global, size_t bytes, bool is_present)
{
    if (reinterpret_cast<size_t>(shared) % bytes != 0 ||
        reinterpret_cast<size_t>(global) % bytes != 0)
        fail({__FILE__, __LINE__}, "an asynchronous copy of %zu bytes is misaligned", bytes);
    memset(shared, 0xff, bytes);
    self->running->copies.push_back({shared, global, bytes, is_present});
}

void copy_async_commit()
{
    self->running->groups.push_back({self->running->copies.size()});
}

void copy_async_wait(int pending)
{
    thread *me = self->running;
    const size_t kept = static_cast<size_t>(pending);
    if (me->groups.size() <= kept)
        return;
    const size_t done_groups = me->groups.size() - kept;
    const size_t done = me->groups[done_groups - 1].end;
    for (size_t i = 0; i < done; i++) {
        const pending_copy &copy = me->copies[i];
        if (copy.is_present)
            memcpy(copy.shared, copy.global, copy.bytes);
        else
            memset(copy.shared, 0, copy.bytes);
    }
    me->copies.erase(me->copies.begin(), me->copies.begin() + static_cast<ptrdiff_t>(done));
    me->groups.erase(me->groups.begin(), me->groups.begin() + static_cast<ptrdiff_t>(done_groups));
    for (copy_group &group : me->groups)
        group.end -= done;
}

/* launches */

static const size_t plain_shared_limit = 48 * 1024, largest_shared = 227 * 1024;
static std::mutex allowed_mutex;

static std::map<const void *, size_t> &allowed_shared()
{
    static std::map<const void *, size_t> allowed;
    return allowed;
}

cudaError_t allow_shared(const void *kernel, size_t bytes)
{
    if (bytes > largest_shared)
        return cudaErrorInvalidValue;
    const std::lock_guard<std::mutex> lock(allowed_mutex);
    allowed_shared()[kernel] = bytes;
    return cudaSuccess;
}

cudaError_t check_launch(const void *kernel, dim3 grid, dim3 block, size_t shared_bytes)
{
    const size_t threads = size_t{block.x} * block.y * block.z;
    if (threads == 0 || threads > 1024 || block.z > 64 || grid.x == 0 || grid.y == 0 ||
        grid.z == 0 || grid.x > 0x7fffffff || grid.y > 65535 || grid.z > 65535)
        return cudaErrorInvalidConfiguration;
    size_t limit = plain_shared_limit;
    if (shared_bytes > limit) {
        const std::lock_guard<std::mutex> lock(allowed_mutex);
        const auto found = allowed_shared().find(kernel);
        if (found != allowed_shared().end())
            limit = std::max(limit, found->second);
    }
    return shared_bytes > limit ? cudaErrorInvalidValue : cudaSuccess;
}

} // namespace emulation
} // namespace cop
