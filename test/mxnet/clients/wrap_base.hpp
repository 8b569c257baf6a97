// SPDX-License-Identifier: Apache-2.0
/* Handles that objects own, and failures that are thrown. Part of a header-only C++11 library over
 * MXNet's C API, as MXNet's own cpp-package is one. */
#ifndef TEST_MXNET_CLIENTS_WRAP_BASE_HPP
#define TEST_MXNET_CLIENTS_WRAP_BASE_HPP

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <mxnet/c_api.h>

namespace client
{

struct Failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

inline void require(int status)
{
    if (status != 0)
        throw Failure(MXGetLastError());
}

/* A handle that several objects may share; the last one frees it. */
template <int (*release)(void *)> class Owner
{
  public:
    Owner() = default;
    explicit Owner(void *handle) : handle_(handle, [](void *last) { release(last); })
    {
    }
    void *get() const
    {
        return handle_.get();
    }

  private:
    std::shared_ptr<void> handle_;
};

inline std::vector<std::string> to_texts(uint32_t count, const char **texts)
{
    return std::vector<std::string>(texts, texts + count);
}

using Shape = std::vector<uint32_t>;

} // namespace client

#endif
