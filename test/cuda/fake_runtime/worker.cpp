// SPDX-License-Identifier: Apache-2.0
/* The thread behind a stream. */
#include <sched.h>
#include <unistd.h>

#include <ctime>

#include "runtime.h"

namespace cop::fake
{

exec::~exec() /* locked */
{
    for (const auto &node : nodes)
        for (const use &one : node->uses)
            one.memory->recorded--;
}

static int64_t now_ns()
{
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return int64_t{1000000000} * now.tv_sec + now.tv_nsec;
}

/* Nothing, a look at other threads, or a nap. */
static void pause(lock &held, stream &of)
{
    const unsigned most = the().settings.delay_us;
    const uint64_t chance = next_random(&of.random);
    if (most == 0 || chance % 4 == 0)
        return;
    held.unlock();
    if (chance % 4 == 1)
        sched_yield();
    else
        usleep(static_cast<useconds_t>((chance >> 8) % (most + 1)));
    held.lock();
}

/* Whether the device is still there for the next operation. */
static bool lives(const stream &of)
{
    state &all = the();
    device_state &device = all.devices[of.device];
    if (all.settings.fail_operation_in > 0 && --all.settings.fail_operation_in == 0)
        device.lost = all.settings.fail_operation_with;
    return device.lost == cudaSuccess;
}

/* What a device does. */
static void run_work(lock &held, const stream &of, const operation &one)
{
    state &all = the();
    if (!lives(of))
        return;
    if (all.running++ == 0)
        open_device_memory();
    held.unlock();
    {
        tracked now;
        one.work();
    }
    held.lock();
    if (--all.running == 0)
        close_device_memory();
    all.counts.executed++;
}

static void mark(const stream &of, point &at)
{
    release(&at);
    at.error = the().devices[of.device].lost;
    at.done_ns = now_ns();
    at.is_done = true;
}

/* One launch of a graph, after those before it. */
static void run_graph(lock &held, stream &of, const operation &launch)
{
    exec &runs = *launch.runs;
    the().changed.wait(held, [&] { return runs.finished == launch.ticket; });
    acquire(&runs.finished);
    for (const auto &node : runs.nodes) {
        pause(held, of);
        if (node->work)
            run_work(held, of, *node);
    }
    release(&runs.finished);
    runs.finished++;
}

static void run(lock &held, stream &of, const operation &one)
{
    acquire(&one);
    switch (one.what) {
    case kind::record:
        mark(of, *one.at);
        break;
    case kind::wait:
        the().changed.wait(held, [&] { return one.at->is_done; });
        acquire(one.at.get());
        break;
    case kind::graph:
        run_graph(held, of, one);
        break;
    default:
        if (one.work)
            run_work(held, of, one);
    }
    release(&of.completed);
    release(&the().counts); /* to tests that drain all streams */
}

void work_off(std::shared_ptr<stream> of)
{
    state &all = the();
    lock held(all.mutex);
    while (true) {
        of->wake.wait(held,
                      [&] { return of->queue.empty() ? of->is_closing : !all.settings.is_held; });
        if (of->queue.empty())
            break;
        pause(held, *of);
        std::shared_ptr<operation> one = of->queue.front();
        run(held, *of, *one);
        of->queue.pop_front();
        drop_uses(one->uses);
        one.reset();
        of->completed++;
        all.counts.queued--;
        all.changed.notify_all();
    }
    of.reset();
    all.workers--;
    all.changed.notify_all();
}

void start_worker(const std::shared_ptr<stream> &of)
{
    state &all = the();
    all.process = getpid();
    all.workers++;
    std::thread([of]() mutable {
        untracked own;
        become_worker();
        work_off(std::move(of));
    }).detach();
}

} // namespace cop::fake
