// SPDX-License-Identifier: Apache-2.0
/*
 * What ThreadSanitizer sees of the runtime. Its own locks and memory order far more than CUDA does,
 * so they are hidden, and what CUDA promises is said explicitly.
 */
#ifndef TEST_CUDA_FAKE_RUNTIME_UNTRACKED_H
#define TEST_CUDA_FAKE_RUNTIME_UNTRACKED_H

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define COP_FAKE_TSAN 1
#endif
#if __has_feature(address_sanitizer)
#define COP_FAKE_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define COP_FAKE_TSAN 1
#endif
#if defined(__SANITIZE_ADDRESS__)
#define COP_FAKE_ASAN 1
#endif

#ifdef COP_FAKE_TSAN
extern "C" {
void AnnotateIgnoreReadsBegin(const char *file, int line);
void AnnotateIgnoreReadsEnd(const char *file, int line);
void AnnotateIgnoreWritesBegin(const char *file, int line);
void AnnotateIgnoreWritesEnd(const char *file, int line);
void AnnotateIgnoreSyncBegin(const char *file, int line);
void AnnotateIgnoreSyncEnd(const char *file, int line);
void __tsan_acquire(void *address);
void __tsan_release(void *address);
}
#endif

namespace cop::fake
{

inline void ignore_begin()
{
#ifdef COP_FAKE_TSAN
    AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
    AnnotateIgnoreSyncBegin(__FILE__, __LINE__);
#endif
}

inline void ignore_end()
{
#ifdef COP_FAKE_TSAN
    AnnotateIgnoreSyncEnd(__FILE__, __LINE__);
    AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
    AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
#endif
}

/* How deep this thread is in untracked code. */
inline thread_local int untracked_depth = 0;

/* From here to the end of the block: the runtime's own business. */
class untracked
{
  public:
    untracked()
    {
        if (untracked_depth++ == 0)
            ignore_begin();
    }
    ~untracked()
    {
        if (--untracked_depth == 0)
            ignore_end();
    }
    untracked(const untracked &) = delete;
};

/* From here to the end of the block: what the caller, or a device, does. */
class tracked
{
  public:
    tracked() : depth(untracked_depth)
    {
        if (depth > 0)
            ignore_end();
        untracked_depth = 0;
    }
    ~tracked()
    {
        untracked_depth = depth;
        if (depth > 0)
            ignore_begin();
    }
    tracked(const tracked &) = delete;

  private:
    int depth;
};

/* What this thread did so far happens before what follows an `acquire` of the same address. */
inline void release(const void *address)
{
    (void)address;
#ifdef COP_FAKE_TSAN
    tracked now;
    __tsan_release(const_cast<void *>(address));
#endif
}

inline void acquire(const void *address)
{
    (void)address;
#ifdef COP_FAKE_TSAN
    tracked now;
    __tsan_acquire(const_cast<void *>(address));
#endif
}

} // namespace cop::fake

#endif
