// SPDX-License-Identifier: Apache-2.0
/* Arrays, and files of them. Part of a header-only C++11 library over MXNet's C API, as MXNet's own
 * cpp-package is one. */
#ifndef TEST_MXNET_CLIENTS_WRAP_ARRAY_HPP
#define TEST_MXNET_CLIENTS_WRAP_ARRAY_HPP

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "mxnet/clients/wrap_base.hpp"

namespace client
{

class Array
{
  public:
    Array()
    {
        NDArrayHandle handle;
        require(MXNDArrayCreateNone(&handle));
        owner_ = Owner<MXNDArrayFree>(handle);
    }
    explicit Array(NDArrayHandle handle) : owner_(handle)
    {
    }
    Array(const Shape &shape, int dtype)
    {
        NDArrayHandle handle;
        require(MXNDArrayCreateEx(shape.data(), static_cast<uint32_t>(shape.size()), 1, 0, true,
                                  dtype, &handle));
        owner_ = Owner<MXNDArrayFree>(handle);
    }
    Array(const Shape &shape, const std::vector<float> &values)
    {
        NDArrayHandle handle;
        require(MXNDArrayCreate(shape.data(), static_cast<uint32_t>(shape.size()), 1, 0, false,
                                &handle));
        owner_ = Owner<MXNDArrayFree>(handle);
        require(MXNDArraySyncCopyFromCPU(handle, values.data(), values.size()));
    }
    NDArrayHandle get() const
    {
        return owner_.get();
    }
    Shape shape() const
    {
        int rank;
        const int *dims;
        require(MXNDArrayGetShapeEx(get(), &rank, &dims));
        Shape shape(static_cast<size_t>(rank));
        for (size_t i = 0; i < shape.size(); i++)
            shape[i] = static_cast<uint32_t>(dims[i]);
        return shape;
    }
    int dtype() const
    {
        int dtype;
        require(MXNDArrayGetDType(get(), &dtype));
        return dtype;
    }
    std::pair<int, int> context() const
    {
        std::pair<int, int> context;
        require(MXNDArrayGetContext(get(), &context.first, &context.second));
        return context;
    }
    std::vector<float> values() const
    {
        size_t count = 1;
        for (uint32_t dim : shape())
            count *= dim;
        std::vector<float> values(count);
        require(MXNDArraySyncCopyToCPU(get(), values.data(), count));
        return values;
    }
    const float *data() const
    {
        void *data;
        require(MXNDArrayGetData(get(), &data));
        return static_cast<float *>(data);
    }
    Array slice(uint32_t begin, uint32_t end) const
    {
        NDArrayHandle handle;
        require(MXNDArraySlice(get(), begin, end, &handle));
        return Array(handle);
    }
    Array reshape(std::vector<int> dims) const
    {
        NDArrayHandle handle;
        require(MXNDArrayReshape(get(), static_cast<int>(dims.size()), dims.data(), &handle));
        return Array(handle);
    }
    void wait_to_read() const
    {
        require(MXNDArrayWaitToRead(get()));
    }
    void wait_to_write() const
    {
        require(MXNDArrayWaitToWrite(get()));
    }
    static void wait_all()
    {
        require(MXNDArrayWaitAll());
    }

  private:
    Owner<MXNDArrayFree> owner_;
};

inline std::map<std::string, Array> take_arrays(uint32_t count, NDArrayHandle *handles,
                                                uint32_t name_count, const char **names)
{
    std::map<std::string, Array> arrays;
    for (uint32_t i = 0; i < count; i++)
        arrays[name_count > 0 ? names[i] : std::to_string(i)] = Array(handles[i]);
    return arrays;
}

inline std::map<std::string, Array> load(const std::string &path)
{
    uint32_t count, name_count;
    NDArrayHandle *handles;
    const char **names;
    require(MXNDArrayLoad(path.c_str(), &count, &handles, &name_count, &names));
    return take_arrays(count, handles, name_count, names);
}

inline std::map<std::string, Array> load_bytes(const std::string &bytes)
{
    uint32_t count, name_count;
    NDArrayHandle *handles;
    const char **names;
    require(
        MXNDArrayLoadFromBuffer(bytes.data(), bytes.size(), &count, &handles, &name_count, &names));
    return take_arrays(count, handles, name_count, names);
}

inline void save(const std::string &path, const std::map<std::string, Array> &arrays)
{
    std::vector<NDArrayHandle> handles;
    std::vector<const char *> names;
    for (const auto &entry : arrays) {
        handles.push_back(entry.second.get());
        names.push_back(entry.first.c_str());
    }
    require(MXNDArraySave(path.c_str(), static_cast<uint32_t>(handles.size()), handles.data(),
                          names.data()));
}

} // namespace client

#endif
