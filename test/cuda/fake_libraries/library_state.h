// SPDX-License-Identifier: Apache-2.0
/* What both emulated libraries have: faults, a version, and objects that one thread uses. */
#ifndef TEST_CUDA_FAKE_LIBRARIES_LIBRARY_STATE_H
#define TEST_CUDA_FAKE_LIBRARIES_LIBRARY_STATE_H

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>

#include "fake_cuda.h"

namespace cop::fake_library
{

/* Set before threads use the library, counted by all of them. */
class state
{
  public:
    /* `prefix` is that of its variables in the environment: "COP_FAKE_CUDNN". */
    state(const char *prefix, size_t otherwise)
    {
        const std::string name(prefix);
        version = number(name + "_VERSION", otherwise);
        refuses = number(name + "_REFUSE", 0) != 0;
        fail_plans = number(name + "_FAIL_PLANS", 0);
        const char *text = getenv((name + "_FAIL").c_str());
        const char *colon = text == nullptr ? nullptr : strchr(text, ':');
        char *end = nullptr;
        if (colon == nullptr)
            return;
        const uint64_t n = strtoull(colon + 1, &end, 0);
        fail(std::string(text, static_cast<size_t>(colon - text)).c_str(), n,
             *end == ':' ? atoi(end + 1) : 1);
    }
    void fail(const char *name, uint64_t n, int status)
    {
        const std::lock_guard<std::mutex> held(mutex);
        function = name == nullptr ? "" : name;
        left = n;
        answer = status;
    }
    /* The status that a test asked for, if this is its call; 0. */
    int injected(const char *name)
    {
        if (left == 0)
            return 0;
        const std::lock_guard<std::mutex> held(mutex);
        if (left == 0 || (!function.empty() && function != name) || --left > 0)
            return 0;
        return answer;
    }

    /* Without order: what counts is no reason for threads to be ordered. */
    void count(bool is_made)
    {
        live.fetch_add(is_made ? 1 : static_cast<size_t>(-1), std::memory_order_relaxed);
    }

    std::atomic<size_t> version{0}, live{0};
    std::atomic<bool> refuses{false};
    std::atomic<uint64_t> fail_plans{0};

  private:
    static size_t number(const std::string &name, size_t otherwise)
    {
        const char *text = getenv(name.c_str());
        return text == nullptr || text[0] == '\0' ? otherwise : strtoull(text, nullptr, 0);
    }

    std::mutex mutex;
    std::string function;
    std::atomic<uint64_t> left{0};
    int answer = 0;
};

/* Of an object that one thread at a time may use. */
struct user {
    std::atomic<int> inside{0};
    unsigned touched = 0; /* without order, so that ThreadSanitizer sees who shares the object */
};

class used
{
  public:
    used(user &object_used, const char *what) : object(object_used)
    {
        if (object.inside.fetch_add(1, std::memory_order_relaxed) != 0)
            cop_fake_cuda_violation(what);
        object.touched++;
    }
    ~used()
    {
        object.inside.fetch_sub(1, std::memory_order_relaxed);
    }
    used(const used &) = delete;

  private:
    user &object;
};

} // namespace cop::fake_library

#endif
