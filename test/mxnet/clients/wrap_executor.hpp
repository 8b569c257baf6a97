// SPDX-License-Identifier: Apache-2.0
/* Executors. Part of a header-only C++11 library over MXNet's C API, as MXNet's own cpp-package is
 * one. */
#ifndef TEST_MXNET_CLIENTS_WRAP_EXECUTOR_HPP
#define TEST_MXNET_CLIENTS_WRAP_EXECUTOR_HPP

#include <string>
#include <vector>

#include "mxnet/clients/wrap_array.hpp"
#include "mxnet/clients/wrap_symbol.hpp"

namespace client
{

class Executor
{
  public:
    /* As cpp-package binds: with arrays for gradients although nobody will ask for any. */
    Executor(const Symbol &symbol, const std::vector<Array> &arguments,
             const std::vector<Array> &gradients, const std::vector<Array> &states)
    {
        std::vector<NDArrayHandle> handles[3];
        const std::vector<Array> *arrays[3] = {&arguments, &gradients, &states};
        for (int i = 0; i < 3; i++)
            for (const Array &array : *arrays[i])
                handles[i].push_back(array.get());
        std::vector<uint32_t> requests(arguments.size(), 1);
        ExecutorHandle handle;
        require(MXExecutorBindEX(symbol.get(), 1, 0, 0, nullptr, nullptr, nullptr,
                                 static_cast<uint32_t>(handles[0].size()), handles[0].data(),
                                 handles[1].data(), requests.data(),
                                 static_cast<uint32_t>(handles[2].size()), handles[2].data(),
                                 nullptr, &handle));
        owner_ = Owner<MXExecutorFree>(handle);
    }
    void forward() const
    {
        require(MXExecutorForward(owner_.get(), 0));
    }
    void backward() const
    {
        require(MXExecutorBackward(owner_.get(), 0, nullptr));
    }
    std::vector<Array> outputs() const
    {
        uint32_t count;
        NDArrayHandle *handles;
        std::vector<Array> arrays;
        require(MXExecutorOutputs(owner_.get(), &count, &handles));
        for (uint32_t i = 0; i < count; i++)
            arrays.emplace_back(handles[i]);
        return arrays;
    }
    std::string description() const
    {
        const char *text;
        require(MXExecutorPrint(owner_.get(), &text));
        return text;
    }
    void monitor(ExecutorMonitorCallback callback, void *user, bool all) const
    {
        require(MXExecutorSetMonitorCallbackEX(owner_.get(), callback, user, all));
    }

  private:
    Owner<MXExecutorFree> owner_;
};

} // namespace client

#endif
