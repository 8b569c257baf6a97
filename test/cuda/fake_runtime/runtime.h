// SPDX-License-Identifier: Apache-2.0
/* The emulated runtime's own types. One mutex guards all of them. */
#ifndef TEST_CUDA_FAKE_RUNTIME_RUNTIME_H
#define TEST_CUDA_FAKE_RUNTIME_RUNTIME_H

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "fake_cuda.h"
#include "untracked.h"

namespace cop::fake
{

using lock = std::unique_lock<std::mutex>;

/* Memory of a device, or page-locked memory of the host. */
struct block {
    uintptr_t begin = 0;
    size_t bytes = 0;
    int device = 0;
    bool is_device = false, is_registered = false, is_live = true;
    void *mapping = nullptr; /* with its guards; NULL: the caller's, registered */
    size_t mapping_bytes = 0;
    /* Operations that are queued or running and use it, those that write it, and recorded ones. */
    size_t queued = 0, queued_writes = 0, recorded = 0;
};

struct use {
    std::shared_ptr<block> memory;
    bool is_written;
};

/* The point of a stream at which an event was recorded. */
struct point {
    bool is_done = false;
    cudaError_t error = cudaSuccess;
    int64_t done_ns = 0;
};

enum class kind { kernel, copy, fill, host, record, wait, graph, nothing };

struct exec;

/* One operation. Those of a graph run many times. */
struct operation {
    kind what = kind::nothing;
    std::function<void()> work;
    std::vector<use> uses;
    std::shared_ptr<point> at;         /* record, wait */
    std::shared_ptr<struct exec> runs; /* graph */
    uint64_t ticket = 0;               /* its turn among the launches of `runs` */
};

using operations = std::vector<std::shared_ptr<operation>>;

/* Finds threads that are inside at the same time, and, by a plain access, those that
 * ThreadSanitizer can prove might be. */
struct exclusive {
    std::atomic<uint64_t> user{0};
    unsigned touched = 0;
};

struct graph {
    operations nodes;
    exclusive one_thread;
};

struct exec {
    operations nodes;
    int device = 0;
    uint64_t launched = 0, finished = 0;
    exclusive one_thread;
    ~exec();
};

/* A capture under way; streams join it by waiting for its events. */
struct capture {
    cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
    uint64_t thread = 0;
    struct stream *origin = nullptr;
    std::shared_ptr<struct graph> into;
    bool is_invalid = false;
    std::vector<struct stream *> joined;
};

struct stream {
    int device = 0;
    bool is_legacy = false, is_closing = false;
    uint64_t random = 0;
    std::deque<std::shared_ptr<operation>> queue; /* the first is running, or about to */
    uint64_t enqueued = 0, completed = 0;
    std::condition_variable wake;
    std::shared_ptr<struct capture> capturing;
    /* Of a stream that is captured: operations so far, and whether some that nobody waits for are
     * among them. */
    size_t captured_count = 0;
    bool is_unjoined = false;
};

struct event {
    int device = 0;
    bool has_timing = true;
    std::shared_ptr<struct point> last; /* NULL: never recorded */
    /* Of a captured event. */
    std::weak_ptr<struct capture> captured;
    struct stream *captured_on = nullptr;
    size_t captured_count = 0;
    bool is_captured = false;
};

struct device_state {
    cudaError_t lost = cudaSuccess;
    size_t used_bytes = 0;
    std::shared_ptr<struct stream> legacy;
};

struct fault {
    std::string function; /* "": every one */
    uint64_t left;
    cudaError_t error;
};

enum { most_devices = 8 };

struct settings {
    int device_count = 2;
    int major = 9, minor = 0;
    size_t memory_bytes = size_t{1} << 30;
    enum cop_fake_cuda_driver driver = COP_FAKE_CUDA_DRIVER_OK;
    uint64_t seed = 1;
    unsigned delay_us = 20;
    bool is_held = false, is_protected = true, aborts = false;
    std::vector<fault> faults;
    uint64_t fail_operation_in = 0; /* 0: never */
    cudaError_t fail_operation_with = cudaSuccess;
    unsigned not_ready = 0;
};

struct state {
    std::mutex mutex;
    std::condition_variable changed; /* an operation ended, or a setting changed */
    struct settings settings;
    struct cop_fake_cuda_counters counts = {};
    std::string first_violation;
    device_state devices[most_devices];
    std::map<uintptr_t, std::shared_ptr<block>> blocks; /* by their first address */
    std::deque<std::shared_ptr<block>> quarantine;
    std::map<const void *, std::shared_ptr<struct stream>> streams;
    std::map<const void *, std::shared_ptr<struct event>> events;
    std::map<const void *, std::shared_ptr<struct graph>> graphs;
    std::map<const void *, std::shared_ptr<struct exec>> execs;
    std::vector<std::shared_ptr<struct capture>> captures;
    size_t workers = 0, running = 0; /* threads; operations that run now */
    uint64_t streams_made = 0;
    std::atomic<int> process{0}; /* that started a worker: its children cannot use CUDA */
};

state &the();

/* control.cpp */
void violate(const char *format, ...) __attribute__((format(printf, 1, 2))); /* locked */
uint64_t this_thread();
uint64_t next_random(uint64_t *random);
void wait_for_nothing_queued(lock &held);

/* call.cpp: every function of the interface is one of these. */
enum rules : unsigned {
    ALWAYS = 0,           /* works without a driver */
    DRIVER = 1,           /* needs a driver and a device */
    CURRENT = 2 | DRIVER, /* needs the thread's device not to be lost */
    UNSAFE = 4 | CURRENT, /* may not be called while the thread captures */
    QUERY = 8 | DRIVER,   /* asks whether something is done, which a storm may refuse */
};
cudaError_t call(const char *name, unsigned rules, const std::function<cudaError_t(lock &)> &body);
int current_device();
void set_current_device(int device);
cudaError_t last_error(bool is_forgotten);
bool is_worker();
void become_worker();

/* While it lives, no other thread should be in the same object. */
class entered
{
  public:
    entered(lock &held, exclusive &object, const char *what);
    ~entered();

  private:
    exclusive &object;
    uint64_t before;
};

/* memory.cpp; locked */
std::shared_ptr<block> find_block(const void *address);
bool is_inside(const block &memory, const void *address, size_t bytes);
bool is_freed(const void *address);
void hold_uses(const std::vector<use> &uses);
void drop_uses(const std::vector<use> &uses);
void open_device_memory();
void close_device_memory();
void release_all_memory();

/* stream.cpp; locked */
std::shared_ptr<stream> find_stream(cudaStream_t handle, const char *call); /* NULL: invalid */
cudaError_t enqueue(const std::shared_ptr<stream> &on, std::shared_ptr<operation> what,
                    bool wants_current_device);
cudaError_t wait_for(lock &held, const std::shared_ptr<stream> &on);
void start_worker(const std::shared_ptr<stream> &of);
void end_streams(lock &held);
cudaError_t wait_until(lock &held, stream &on, uint64_t completed);

/* worker.cpp */
void work_off(std::shared_ptr<stream> of);

/* capture.cpp; locked */
bool is_prohibited(); /* whether an unsafe call is, on this thread; ends the captures */
void invalidate(capture &which);
cudaError_t record(stream &on, std::shared_ptr<operation> what);
void forget_captures();

template <typename T>
std::shared_ptr<T> find(const std::map<const void *, std::shared_ptr<T>> &all, const void *handle)
{
    const auto at = all.find(handle);
    return at == all.end() ? nullptr : at->second;
}

} // namespace cop::fake

#endif
